# System calls and constants that Cython's own libc/posix declarations lack.

from libc.stdint cimport int64_t, uint32_t, uint64_t
from posix.types cimport off_t

cdef extern from "<sys/epoll.h>" nogil:
    enum:
        EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR, EPOLLET
        EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL, EPOLL_CLOEXEC
    union epoll_data:
        void *ptr
        int fd
        uint64_t u64
    struct epoll_event:
        uint32_t events
        epoll_data data
    int epoll_create1(int flags)
    int epoll_ctl(int epfd, int op, int fd, epoll_event *event)
    int epoll_wait(int epfd, epoll_event *events, int maxevents, int timeout)

cdef extern from "<sys/eventfd.h>" nogil:
    enum:
        EFD_NONBLOCK, EFD_CLOEXEC
    int eventfd(unsigned int value, int flags)

cdef extern from "<sys/socket.h>" nogil:
    enum:
        AF_INET, AF_INET6, AF_UNIX, SOCK_STREAM, SOCK_NONBLOCK, SOCK_CLOEXEC
        SOL_SOCKET, SO_ERROR, SO_LINGER, SO_KEEPALIVE, SHUT_RD, SHUT_WR, SHUT_RDWR, MSG_NOSIGNAL, MSG_DONTWAIT, MSG_MORE, MSG_PEEK
    ctypedef unsigned int socklen_t
    struct sockaddr:
        unsigned short sa_family
    struct sockaddr_storage:
        unsigned short ss_family
    struct linger:
        int l_onoff
        int l_linger
    int socket(int domain, int type, int protocol)
    int connect(int fd, const sockaddr *address, socklen_t n)
    int bind(int fd, const sockaddr *address, socklen_t n)
    int accept4(int fd, sockaddr *address, socklen_t *n, int flags)
    int shutdown(int fd, int how)
    ssize_t recv(int fd, void *p, size_t n, int flags)
    ssize_t send(int fd, const void *p, size_t n, int flags)
    int getsockopt(int fd, int level, int name, void *value, socklen_t *n)
    int setsockopt(int fd, int level, int name, const void *value, socklen_t n)
    int getsockname(int fd, sockaddr *address, socklen_t *n)
    int getpeername(int fd, sockaddr *address, socklen_t *n)
    struct iovec:
        void *iov_base
        size_t iov_len
    struct msghdr:
        void *msg_name
        socklen_t msg_namelen
        iovec *msg_iov
        size_t msg_iovlen
        void *msg_control
        size_t msg_controllen
        int msg_flags
    ssize_t sendmsg(int fd, const msghdr *message, int flags)

cdef extern from "<netinet/in.h>" nogil:
    enum:
        IPPROTO_TCP, IPPROTO_IP, IPPROTO_IPV6

cdef extern from "<netinet/tcp.h>" nogil:
    enum:
        TCP_NODELAY

cdef extern from * nogil:
    """
    #define _GNU_SOURCE_SPLICE 1
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <fcntl.h>
    #include <unistd.h>
    """
    enum:
        SPLICE_F_MOVE, SPLICE_F_NONBLOCK, SPLICE_F_MORE, O_NONBLOCK, O_CLOEXEC
    ssize_t splice(int fd_in, void *off_in, int fd_out, void *off_out, size_t n, unsigned int flags)
    int pipe2(int fds[2], int flags)

cdef extern from "<unistd.h>" nogil:
    int close(int fd)
    ssize_t read(int fd, void *p, size_t n)
    ssize_t write(int fd, const void *p, size_t n)

cdef extern from "<time.h>" nogil:
    struct timespec:
        long tv_sec
        long tv_nsec
    enum:
        CLOCK_MONOTONIC, CLOCK_REALTIME
    int clock_gettime(int clock, timespec *value)

cdef extern from * nogil:
    """
    #define mosn_load(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
    #define mosn_store(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
    """
    uint64_t mosn_load(uint64_t *p)
    void mosn_store(uint64_t *p, uint64_t v)

cdef extern from "<errno.h>" nogil:
    int errno
    enum:
        EAGAIN, EINTR, EINPROGRESS, ECONNABORTED, EMFILE, ENFILE, ENOMEM, ENOBUFS, EPIPE, ECONNRESET, ETIMEDOUT
        ECONNREFUSED, EPROTO, EINVAL
