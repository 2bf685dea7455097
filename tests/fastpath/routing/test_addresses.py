"""Addresses as text, in struct sockaddr and by class."""

from __future__ import annotations

import ipaddress
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mosn._fastpath.proxy.info import describe_ip, sockaddr_text


def sockaddr_in(ip: str, port: int) -> bytes:
    return struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + ipaddress.IPv4Address(ip).packed + bytes(8)


def sockaddr_in6(ip: str, port: int) -> bytes:
    packed = ipaddress.IPv6Address(ip).packed
    return struct.pack("=H", socket.AF_INET6) + struct.pack("!HI", port, 0) + packed + bytes(4)


@given(st.ip_addresses(v=4).map(str), st.integers(0, 65535))
def test_ipv4(ip: str, port: int) -> None:
    assert sockaddr_text(sockaddr_in(ip, port)) == f"{ip}:{port}"
    assert sockaddr_text(sockaddr_in(ip, port), False) == ip
    described = describe_ip(ip, port)
    assert described is not None and described[:2] == (f"{ip}:{port}", ip)


@given(st.ip_addresses(v=6), st.integers(0, 65535))
def test_ipv6(ip: ipaddress.IPv6Address, port: int) -> None:
    text = sockaddr_text(sockaddr_in6(str(ip), port))
    assert text is not None
    if ip.ipv4_mapped:
        assert text == f"{ip.ipv4_mapped}:{port}"
    else:
        host, _, tail = text.rpartition(":")
        assert (ipaddress.IPv6Address(host.strip("[]")), tail) == (ip, str(port))


def test_a_mapped_address_is_the_ipv4_one() -> None:
    assert sockaddr_text(sockaddr_in6("::ffff:1.2.3.4", 80)) == "1.2.3.4:80"


def test_unix() -> None:
    family = struct.pack("=H", socket.AF_UNIX)
    assert sockaddr_text(family + b"/run/x.sock\0") == "/run/x.sock"
    assert sockaddr_text(family) == ""
    assert sockaddr_text(family + b"\0abstract") == ""


@pytest.mark.parametrize("raw", [b"", b"\0", b"\xff\xff" + bytes(20), struct.pack("=H", socket.AF_INET) + bytes(3),
                                 struct.pack("=H", socket.AF_INET6) + bytes(14)])  # fmt: skip
def test_what_is_no_address(raw: bytes) -> None:
    assert sockaddr_text(raw) is None


@pytest.mark.parametrize(
    ("ip", "loopback", "internal"),
    [("127.0.0.1", True, True), ("127.0.0.2", False, False), ("10.0.0.0", False, True), ("10.255.255.255", False, True),
     ("11.0.0.0", False, False), ("172.15.255.255", False, False), ("172.16.0.0", False, True),
     ("172.31.255.255", False, True), ("172.32.0.0", False, False), ("192.168.1.1", False, True),
     ("192.169.0.0", False, False), ("8.8.8.8", False, False), ("::1", True, True), ("::2", False, False),
     ("fd00::1", False, True), ("fc00::1", False, False), ("fe80::1", False, False), ("2001:db8::1", False, False)],
)  # fmt: skip
def test_classes(ip: str, loopback: bool, internal: bool) -> None:
    described = describe_ip(ip)
    assert described is not None and described[2:] == (loopback, internal)


@pytest.mark.parametrize("text", ["", "1.2.3", "1.2.3.4.5", "1.2.3.4:80", "[::1]", "::g", "a", "1.2.3.4\0", "1" * 60,
"01.2.3.4"])
def test_texts_that_are_no_ip(text: str) -> None:
    assert describe_ip(text) is None
