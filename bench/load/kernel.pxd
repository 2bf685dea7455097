"""The system calls and structures the generator and the backend share."""

from libc.stdint cimport uint16_t, uint32_t, uint64_t

cdef extern from "<sys/socket.h>" nogil:
    ctypedef unsigned int socklen_t
    struct sockaddr:
        pass
    int AF_INET, SOCK_STREAM, SOCK_CLOEXEC, SOCK_NONBLOCK, SOL_SOCKET, SO_RCVTIMEO
    int socket(int domain, int kind, int protocol)
    int connect(int descriptor, const sockaddr* address, socklen_t length)
    int accept4(int descriptor, sockaddr* address, socklen_t* length, int flags)
    int setsockopt(int descriptor, int level, int option, const void* value, socklen_t length)

cdef extern from "<netinet/in.h>" nogil:
    struct in_addr:
        uint32_t s_addr
    struct sockaddr_in:
        unsigned short sin_family
        uint16_t sin_port
        in_addr sin_addr
    int IPPROTO_TCP
    uint16_t htons(uint16_t value)
    uint32_t htonl(uint32_t value)

cdef extern from "<netinet/tcp.h>" nogil:
    int TCP_NODELAY

cdef extern from "<fcntl.h>" nogil:
    int F_GETFL, F_SETFL, O_NONBLOCK
    int fcntl(int descriptor, int command, ...)

cdef extern from "<unistd.h>" nogil:
    int close(int descriptor)

cdef extern from "<time.h>" nogil:
    struct timespec:
        long tv_sec
        long tv_nsec
    int CLOCK_MONOTONIC
    int clock_gettime(int clock, timespec* time)

cdef extern from "<sys/time.h>" nogil:
    struct timeval:
        long tv_sec
        long tv_usec

cdef extern from "<sys/prctl.h>" nogil:
    int PR_SET_TIMERSLACK
    int prctl(int option, ...)

cdef extern from "<sys/epoll.h>" nogil:
    ctypedef union epoll_data_t:
        void* ptr
        uint64_t u64
    struct epoll_event:
        uint32_t events
        epoll_data_t data
    int EPOLL_CLOEXEC, EPOLL_CTL_ADD
    uint32_t EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLERR, EPOLLHUP, EPOLLET
    int epoll_create1(int flags)
    int epoll_ctl(int epoll, int operation, int descriptor, epoll_event* event)
    int epoll_wait(int epoll, epoll_event* events, int most, int milliseconds)
    int epoll_pwait2(int epoll, epoll_event* events, int most, const timespec* timeout, const void* signals)


cdef inline uint64_t monotonic() noexcept nogil:
    """Nanoseconds."""
    cdef timespec time
    clock_gettime(CLOCK_MONOTONIC, &time)
    return <uint64_t>time.tv_sec * 1000000000 + <uint64_t>time.tv_nsec


cdef inline void send_at_once(int descriptor) noexcept nogil:
    """Without TCP_NODELAY an exchange can wait 40 ms for a delayed acknowledgement."""
    cdef int on = 1
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on))


cdef inline int watch(int epoll, int descriptor, void* owner) noexcept nogil:
    """One edge-triggered registration for the life of the connection."""
    cdef epoll_event event
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET
    event.data.ptr = owner
    return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event)


cdef inline void stop_blocking(int descriptor) noexcept nogil:
    fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)


cdef inline int connect_loopback(uint16_t port) noexcept nogil:
    """A connected socket to 127.0.0.1 that still blocks, for at most five seconds at a time, or -1."""
    cdef timeval patience
    cdef sockaddr_in address
    cdef int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)
    if descriptor < 0:
        return -1
    address.sin_family = <unsigned short>AF_INET
    address.sin_port = htons(port)
    address.sin_addr.s_addr = htonl(0x7F000001)
    if connect(descriptor, <sockaddr*>&address, sizeof(address)) != 0:
        close(descriptor)
        return -1
    send_at_once(descriptor)
    patience.tv_sec = 5
    patience.tv_usec = 0
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience))
    return descriptor
