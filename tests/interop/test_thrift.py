"""Thrift's own Python clients and servers through the sidecar: thriftpy2 framed, Apache Thrift with THeader."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.proxy.rpc import rpc_listener
from tests.proxy.sidecar import Sidecar, bootstrap, cluster, free_port

thriftpy2 = pytest.importorskip("thriftpy2")
pytest.importorskip("thrift")

from thrift import Thrift  # noqa: E402
from thrift.protocol.THeaderProtocol import THeaderProtocolFactory  # noqa: E402
from thrift.server.TServer import TThreadedServer  # noqa: E402
from thrift.transport import TSocket, TTransport  # noqa: E402
from thriftpy2.protocol import TBinaryProtocolFactory  # noqa: E402
from thriftpy2.rpc import make_client, make_server  # noqa: E402
from thriftpy2.thrift import TApplicationException  # noqa: E402
from thriftpy2.transport import TFramedTransportFactory  # noqa: E402

IDL = """
exception Refused { 1: string why }
service Greeter {
  string greet(1: string name) throws (1: Refused refused),
  oneway void note(1: string text),
}
"""


@pytest.fixture
def idl(tmp_path: Path) -> Any:
    path = tmp_path / "greeter.thrift"
    path.write_text(IDL)
    return thriftpy2.load(str(path), module_name="greeter_thrift")


class Greeter:
    def __init__(self, idl: Any) -> None:
        self.idl = idl
        self.noted = threading.Event()

    def greet(self, name: str) -> str:
        if name == "nobody":
            raise self.idl.Refused(why="no name")
        return f"hello {name}"

    def note(self, text: str) -> None:
        self.noted.set()


def config(protocol: str, port: int, upstream: int) -> dict[str, Any]:
    routes = [
        {"match": {"path": "/greeter/closed"}, "direct_response": {"status": 403}},
        {"match": {"prefix": "/greeter/"}, "route": {"cluster": "backend"}},
    ]
    listener = rpc_listener(port, routes, protocol=protocol, stat_prefix="thrift", default_service="greeter")
    return bootstrap([listener], [cluster("backend", upstream)])


@pytest.fixture
def framed(idl: Any, tmp_path: Path) -> Iterator[tuple[int, Greeter, Sidecar]]:
    """A sidecar's port before a thriftpy2 server."""
    greeter, upstream, port = Greeter(idl), free_port(), free_port()
    server = make_server(
        idl.Greeter, greeter, "127.0.0.1", upstream, proto_factory=TBinaryProtocolFactory(),
        trans_factory=TFramedTransportFactory(),
    )  # fmt: skip
    threading.Thread(target=server.serve, daemon=True).start()
    with Sidecar(tmp_path, config("thrift", port, upstream)) as sidecar:
        yield port, greeter, sidecar
    server.close()


def test_thriftpy2_framed(idl: Any, framed: tuple[int, Greeter, Sidecar]) -> None:
    port, greeter, sidecar = framed
    client = make_client(
        idl.Greeter, "127.0.0.1", port, proto_factory=TBinaryProtocolFactory(),
        trans_factory=TFramedTransportFactory(), timeout=10_000,
    )  # fmt: skip
    for name in ("you", "x" * 200_000):
        assert client.greet(name) == f"hello {name}"
    with pytest.raises(idl.Refused) as refused:
        client.greet("nobody")
    assert refused.value.why == "no name"
    client.note("one way")
    assert greeter.noted.wait(5)
    assert client.greet("again") == "hello again"
    sidecar.wait_stat("rpc.thrift.downstream_rq_oneway", 1)
    client.close()


def test_an_answer_of_the_sidecar_is_an_exception_of_the_client(idl: Any, tmp_path: Path) -> None:
    port = free_port()
    with Sidecar(tmp_path, config("thrift", port, free_port())):
        client = make_client(
            idl.Greeter, "127.0.0.1", port, proto_factory=TBinaryProtocolFactory(),
            trans_factory=TFramedTransportFactory(), timeout=10_000,
        )  # fmt: skip
        for _ in range(2):
            with pytest.raises(TApplicationException, match="connection failure"):
                client.greet("you")
        client.close()


class Processor:
    """Apache Thrift's side without generated code: one method, a string in and a string out."""

    def process(self, incoming: Any, outgoing: Any) -> None:
        name, _, sequence = incoming.readMessageBegin()
        text = read_struct(incoming)
        incoming.readMessageEnd()
        outgoing.writeMessageBegin(name, Thrift.TMessageType.REPLY, sequence)
        write_struct(outgoing, 0, f"hello {text}")
        outgoing.writeMessageEnd()
        outgoing.trans.flush()

    def on_message_begin(self, function: Any) -> None:
        pass


def read_struct(protocol: Any) -> str:
    text = ""
    protocol.readStructBegin()
    while True:
        _, kind, _ = protocol.readFieldBegin()
        if kind == Thrift.TType.STOP:
            break
        text = protocol.readString()
        protocol.readFieldEnd()
    protocol.readStructEnd()
    return text


def write_struct(protocol: Any, number: int, text: str) -> None:
    protocol.writeStructBegin("")
    protocol.writeFieldBegin("", Thrift.TType.STRING, number)
    protocol.writeString(text)
    protocol.writeFieldEnd()
    protocol.writeFieldStop()
    protocol.writeStructEnd()


def test_apache_thrift_with_theader(tmp_path: Path) -> None:
    upstream, port = free_port(), free_port()
    server = TThreadedServer(
        Processor(), TSocket.TServerSocket("127.0.0.1", upstream), TTransport.TTransportFactoryBase(),
        THeaderProtocolFactory(), daemon=True,
    )  # fmt: skip
    threading.Thread(target=server.serve, daemon=True).start()
    with Sidecar(tmp_path, config("thrift-header", port, upstream)) as sidecar:
        transport = TSocket.TSocket("127.0.0.1", port)
        transport.setTimeout(10_000)
        transport.open()
        protocol = THeaderProtocolFactory().getProtocol(transport)
        for sequence in (1, 2, 900):
            protocol.trans.set_header(b"tenant", b"blue")
            protocol.writeMessageBegin("greet", Thrift.TMessageType.CALL, sequence)
            write_struct(protocol, 1, f"you {sequence}")
            protocol.writeMessageEnd()
            protocol.trans.flush()
            name, kind, got = protocol.readMessageBegin()
            assert (name, kind, got) == ("greet", Thrift.TMessageType.REPLY, sequence)
            assert read_struct(protocol) == f"hello you {sequence}"
            protocol.readMessageEnd()
        sidecar.wait_stat("rpc.thrift.downstream_rq_2xx", 3)
        transport.close()
