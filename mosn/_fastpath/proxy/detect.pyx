"""Which protocol a connection speaks (see detect.pxd).

Asked in this order, each after the one before said no: TLS, HTTP, then the RPC protocols in the order of the
configuration.  One that needs more bytes holds up those behind it, so the answer does not depend on how the bytes were
split; each needs only so many (CLIENT_HELLO_BYTES, REQUEST_LINE_BYTES, MATCH_BYTES).
"""

from libc.stdint cimport uint32_t

from mosn._fastpath.codec.client_hello cimport (
    CLIENT_HELLO_FOUND, CLIENT_HELLO_MORE, CLIENT_HELLO_TOO_LARGE, ClientHello, client_hello_read,
)
from mosn._fastpath.codec.frame cimport MATCH_BYTES, MATCH_MORE, MATCH_YES, FrameCodec
from mosn._fastpath.codec.frames cimport frame_codec
from mosn._fastpath.codec.request_line cimport (
    HTTP_10, HTTP_11, HTTP_2, HTTP_MORE, HTTP_NOT, HTTP_TOO_LONG, request_line_detect,
)
from mosn._fastpath.proxy.runtime cimport Accepted, Listener, Proxy
from mosn._fastpath.shm.segment cimport count
from mosn._fastpath.shm.stats cimport (
    HI_HTTP10_FOUND, HI_HTTP11_FOUND, HI_HTTP2_FOUND, HI_HTTP_NOT_FOUND, HI_READ_ERROR, PI_FOUND, PI_NOT_FOUND,
    TI_ALPN_FOUND, TI_ALPN_NOT_FOUND, TI_CLIENT_HELLO_TOO_LARGE, TI_SNI_FOUND, TI_SNI_NOT_FOUND, TI_TLS_FOUND,
    TI_TLS_NOT_FOUND,
)


cdef int detect_compile(Listener *out, dict spec) except -1:
    cdef const FrameCodec *codec
    cdef bytes name
    out.http_inspector = spec["http_inspector"]
    out.tls_inspector = spec["tls_inspector"]
    out.http_inspector_stats = spec["http_inspector_stats"]
    out.tls_inspector_stats = spec["tls_inspector_stats"]
    out.protocol_inspector_stats = spec["protocol_inspector_stats"]
    for protocol in spec["protocol_inspector"]:
        name = protocol.encode()
        codec = frame_codec(name, len(name))
        if codec == NULL or codec.matches == NULL:
            raise ValueError(f"the protocol {protocol!r} cannot be told by its first bytes")
        out.protocols[out.protocol_count] = codec
        out.protocol_count += 1
    return 0


cdef bint detect_wanted(const Accepted *facts) noexcept nogil:
    return facts.config.tls_inspector or facts.config.http_inspector or facts.config.protocol_count != 0


cdef int look_for_tls(Proxy *proxy, Accepted *facts, const char *p, size_t n, ClientHello *hello) noexcept nogil:
    # What client_hello_read says.
    cdef uint32_t stats = facts.config.tls_inspector_stats
    cdef int found = client_hello_read(p, n, hello)
    if found == CLIENT_HELLO_TOO_LARGE:
        count(proxy.region, stats + TI_CLIENT_HELLO_TOO_LARGE, 1)
    elif found == CLIENT_HELLO_FOUND:
        facts.hello = hello
        count(proxy.region, stats + TI_TLS_FOUND, 1)
        count(proxy.region, stats + (TI_SNI_FOUND if hello.name_length else TI_SNI_NOT_FOUND), 1)
        count(proxy.region, stats + (TI_ALPN_FOUND if hello.protocols_length else TI_ALPN_NOT_FOUND), 1)
    elif found != CLIENT_HELLO_MORE:
        count(proxy.region, stats + TI_TLS_NOT_FOUND, 1)
    return found


cdef int look_for_http(Proxy *proxy, Accepted *facts, Detection *state, const char *p, size_t n) noexcept nogil:
    # What request_line_detect says.
    cdef uint32_t stats = facts.config.http_inspector_stats
    cdef int found = request_line_detect(p, n, &state.seen)
    if found == HTTP_10:
        facts.protocol = b"http/1.0"
        count(proxy.region, stats + HI_HTTP10_FOUND, 1)
    elif found == HTTP_11:
        facts.protocol = b"http/1.1"
        count(proxy.region, stats + HI_HTTP11_FOUND, 1)
    elif found == HTTP_2:
        facts.protocol = b"h2c"
        count(proxy.region, stats + HI_HTTP2_FOUND, 1)
    elif found == HTTP_TOO_LONG:
        count(proxy.region, stats + HI_READ_ERROR, 1)
    elif found == HTTP_NOT:
        count(proxy.region, stats + HI_HTTP_NOT_FOUND, 1)
    return found


cdef int look_for_rpc(Proxy *proxy, Accepted *facts, const char *p, size_t n, bint at_last) noexcept nogil:
    cdef Listener *config = facts.config
    cdef const FrameCodec *codec
    cdef uint32_t i
    cdef int match
    for i in range(config.protocol_count):
        codec = config.protocols[i]
        match = codec.matches(codec, p, n)
        if match == MATCH_YES:
            facts.protocol = codec.name
            count(proxy.region, config.protocol_inspector_stats + PI_FOUND, 1)
            return DETECT_DONE
        if match == MATCH_MORE and n < MATCH_BYTES and not at_last:
            return DETECT_MORE
    if config.protocol_count:
        count(proxy.region, config.protocol_inspector_stats + PI_NOT_FOUND, 1)
    return DETECT_DONE


cdef int detect(Proxy *proxy, Accepted *facts, Detection *state, const char *p, size_t n, bint at_last,
                ClientHello *hello) noexcept nogil:
    cdef int found
    if facts.config.tls_inspector and not state.tls_over:
        found = look_for_tls(proxy, facts, p, n, hello)
        if found == CLIENT_HELLO_FOUND:
            return DETECT_DONE
        if found == CLIENT_HELLO_TOO_LARGE:
            return DETECT_CLOSE
        if found == CLIENT_HELLO_MORE and not at_last:
            return DETECT_MORE
        state.tls_over = True
    if facts.config.http_inspector and not state.http_over:
        found = look_for_http(proxy, facts, state, p, n)
        if found == HTTP_TOO_LONG:
            return DETECT_CLOSE
        if found > HTTP_MORE:
            return DETECT_DONE
        if found == HTTP_MORE and not at_last:
            return DETECT_MORE
        state.http_over = True
    return look_for_rpc(proxy, facts, p, n, at_last)
