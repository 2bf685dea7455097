"""ClientHellos: of real TLS clients, and made by hand."""

from __future__ import annotations

import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Sequence


def of_python(
    name: str | None = "Example.COM", protocols: Sequence[str] = ("h2", "http/1.1"), old: bool = False
) -> bytes:
    context = ssl.create_default_context()
    if old:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    if protocols:
        context.set_alpn_protocols(list(protocols))
    if name is None:
        context.check_hostname = False
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise AssertionError("a handshake without a peer")


def of_program(*command: str) -> bytes:
    """What a program sends first to 127.0.0.1:PORT; "PORT" in its arguments is replaced."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(20)
        port = str(listening.getsockname()[1])
        heard = bytearray()

        def listen() -> None:
            peer, _ = listening.accept()
            with peer:
                peer.settimeout(20)
                while len(heard) < 5 or len(heard) < 5 + int.from_bytes(heard[3:5], "big"):
                    heard.extend(peer.recv(65536) or b"\0" * 70000)

        listener = threading.Thread(target=listen)
        listener.start()
        arguments = [word.replace("PORT", port) for word in command]
        subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
        listener.join(20)
    return bytes(heard)


GO_CLIENT = """package main

import ("crypto/tls"; "os")

func main() {
    tls.Dial("tcp", os.Args[1], &tls.Config{ServerName: "go.example.com", NextProtos: []string{"h2", "bolt"}})
}
"""


def extension(kind: int, body: bytes) -> bytes:
    return struct.pack(">HH", kind, len(body)) + body


def server_name(*names: bytes, kind: int = 0) -> bytes:
    entries = b"".join(struct.pack(">BH", kind, len(name)) + name for name in names)
    return extension(0, struct.pack(">H", len(entries)) + entries)


def alpn(*protocols: bytes) -> bytes:
    entries = b"".join(bytes((len(each),)) + each for each in protocols)
    return extension(16, struct.pack(">H", len(entries)) + entries)


def message(
    *extensions: bytes, session: bytes = b"", ciphers: bytes = b"\x13\x01", methods: bytes = b"\0", rest: bytes = b""
) -> bytes:
    """A ClientHello without its record; no extensions at all for none."""
    body = b"\3\3" + bytes(32) + bytes((len(session),)) + session + struct.pack(">H", len(ciphers)) + ciphers
    body += bytes((len(methods),)) + methods
    if extensions:
        together = b"".join(extensions)
        body += struct.pack(">H", len(together)) + together
    body += rest
    return b"\1" + len(body).to_bytes(3, "big") + body


def record(data: bytes, kind: int = 22) -> bytes:
    return bytes((kind, 3, 1)) + struct.pack(">H", len(data)) + data


def records(data: bytes, size: int) -> bytes:
    """The message cut into records of this size."""
    return b"".join(record(data[at : at + size]) for at in range(0, len(data), size))
