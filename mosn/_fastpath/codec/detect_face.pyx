"""Python face of what tells protocols apart, for tests and tools (see detect_face.pyi)."""

from typing import NamedTuple

from libc.stdint cimport uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from mosn._fastpath.codec.client_hello cimport CLIENT_HELLO_FOUND, ClientHello, client_hello_read
from mosn._fastpath.codec.frame cimport FrameCodec
from mosn._fastpath.codec.frames cimport frame_codec
from mosn._fastpath.codec.request_line cimport request_line_detect

HELLO = {-2: "too large", -1: "no", 0: "more"}
LINE = {-2: "too long", -1: "no", 0: "more", 1: "http/1.0", 2: "http/1.1", 3: "h2c"}
FRAME = {-1: "no", 0: "more", 1: "yes"}


class Hello(NamedTuple):
    server_name: bytes
    protocols: tuple


cdef char *exact(bytes data) except NULL:
    # A block of exactly this size, so that sanitizers see every byte that is read behind it.
    cdef char *copy = <char *>malloc(len(data) if len(data) else 1)
    if copy == NULL:
        raise MemoryError
    memcpy(copy, <const char *>data, len(data))
    return copy


def client_hello(bytes data not None):
    cdef ClientHello hello
    cdef char *p = exact(data)
    cdef int found = client_hello_read(p, len(data), &hello)
    free(p)
    if found != CLIENT_HELLO_FOUND:
        return HELLO[found]
    names = []
    rest = hello.protocols[:hello.protocols_length]
    while rest:
        names.append(rest[1:1 + rest[0]])
        rest = rest[1 + rest[0]:]
    return Hello(hello.server_name[:hello.name_length], tuple(names))


def request_line(*pieces):
    cdef uint32_t seen = 0
    cdef char *p
    cdef int found = 0
    cdef bytes data = b""
    for piece in pieces:
        data += piece
        if not data:
            continue
        p = exact(data)
        found = request_line_detect(p, len(data), &seen)
        free(p)
        if found:
            break
    return LINE[found]


def frame(str protocol not None, bytes data not None):
    cdef bytes name = protocol.encode()
    cdef const FrameCodec *codec = frame_codec(name, len(name))
    cdef char *p
    cdef int match
    if codec == NULL or codec.matches == NULL:
        raise ValueError(f"{protocol} cannot be told by its first bytes")
    p = exact(data)
    match = codec.matches(codec, p, len(data))
    free(p)
    return FRAME[match]
