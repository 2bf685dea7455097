"""Load tools and curl against the real program: no request fails."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path

import pytest

from tests.proxy.sidecar import Sidecar, bootstrap, cluster, free_port, http_listener, route
from tests.robustness.bad_clients import many_descriptors
from tests.robustness.conftest import Start
from tests.robustness.programs import output, running, tool
from tests.robustness.test_unique_answers import clean

DIRECT = {"match": {"prefix": "/direct"}, "direct_response": {"status": 200, "body": {"inline_string": "hello"}}}
MANY = {"thresholds": [{"max_connections": 1000, "max_pending_requests": 50_000, "max_requests": 50_000}]}
URL = "http://127.0.0.1:{port}{path}"


def proxy(start: Start, upstream: int, workers: int, **cluster_fields: object) -> tuple[Sidecar, int]:
    many_descriptors()
    port = free_port()
    backend = cluster("backend", upstream, **{"circuit_breakers": MANY, **cluster_fields})
    log = {
        "name": "envoy.access_loggers.file",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": "/dev/null",
        },
    }
    # ab speaks HTTP/1.0, with keep-alive.
    manager = {"access_log": [log], "http_protocol_options": {"accept_http_10": True}}
    config = bootstrap([http_listener(port, [DIRECT, route()], **manager)], [backend])
    return start(config, workers=workers), port


def wrk(url: str, connections: int, seconds: int, threads: int = 1) -> int:
    """Requests that were answered with 2xx; nothing else may have happened."""
    found = output(
        tool("wrk"), "-t", str(threads), "-c", str(connections), "-d", f"{seconds}s", "--timeout", "60s", url
    )
    assert "Non-2xx" not in found and "Socket errors" not in found, found
    match = re.search(r"(\d+) requests in", found)
    assert match, found
    return int(match[1])


@pytest.mark.parametrize("path", ["/direct", "/none/1/100"])
def test_ten_thousand_connections(start: Start, path: str) -> None:
    if many_descriptors() < 12_000:
        pytest.skip("the limit of open files is too low for 10,000 connections")
    with running("faulty") as upstream:
        sidecar, port = proxy(start, upstream, 2)
        answered = wrk(URL.format(port=port, path=path), 10_000, 6)
        total = sidecar.stat("http.http.downstream_cx_total")
        clean(sidecar)
    assert answered > 1000 and total >= 10_000


@pytest.mark.slow
def test_ten_thousand_connections_with_an_upstream_connection_each(start: Start) -> None:
    """As many on both sides as one upstream process may have."""
    if many_descriptors() < 20_000:
        pytest.skip("the limit of open files is too low")
    breakers = {"thresholds": [{"max_connections": 9000, "max_pending_requests": 50_000, "max_requests": 50_000}]}
    with running("faulty") as upstream:
        sidecar, port = proxy(start, upstream, 2, circuit_breakers=breakers)
        assert wrk(URL.format(port=port, path="/none/1/100"), 9000, 20) > 1000
        clean(sidecar)


@pytest.mark.parametrize("workers", [1, 2])
def test_load_tools(start: Start, workers: int) -> None:
    with running("faulty") as upstream:
        sidecar, port = proxy(start, upstream, workers)
        url = URL.format(port=port, path="/none/1/1000")
        h2load(url, 5000, 50)
        h2load(URL.format(port=port, path="/none/1/100000"), 1000, 20)
        apache_bench(url, 4000, 40, "-k")
        apache_bench(url, 2000, 40)
        assert wrk(url, 100, 2) > 100
        clean(sidecar)


def h2load(url: str, requests: int, clients: int) -> None:
    found = output(tool("h2load"), "--h1", "-n", str(requests), "-c", str(clients), url)
    said = f"requests: {requests} total, {requests} started, {requests} done, {requests} succeeded, 0 failed, 0 errored"
    assert said in found and f"status codes: {requests} 2xx" in found, found


def apache_bench(url: str, requests: int, clients: int, *more: str) -> None:
    found = output(tool("ab"), "-q", "-n", str(requests), "-c", str(clients), "-s", "60", *more, url)
    assert re.search(rf"Complete requests: +{requests}\n", found), found
    assert re.search(r"Failed requests: +0\n", found) and "Non-2xx" not in found, found
    if more:
        assert re.search(rf"Keep-Alive requests: +{requests}\n", found), found


CURL = {
    "get": ["/none/1/1000"],
    "post": ["/none/1/10", "-d", "some=thing"],
    "put": ["/none/1/10", "-X", "PUT", "-d", "x"],
    "delete": ["/none/1/0", "-X", "DELETE"],
    "options": ["/none/1/0", "-X", "OPTIONS"],
    "patch": ["/none/1/10", "-X", "PATCH", "-d", "x"],
    "propfind": ["/none/1/10", "-X", "PROPFIND"],
    "http/1.0": ["/none/1/10", "--http1.0"],
    "head": ["/empty/1/0", "-I"],
    "no content": ["/empty/1/0"],
    "chunked answer": ["/chunked/1/100000"],
    "trailers": ["/trailers/1/10"],
    "informational": ["/hint/1/10"],
    "ended by the close": ["/http10/1/100000"],
    "in pieces": ["/pieces/1/100000"],
    "many headers": ["/none/1/10", *(part for n in range(90) for part in ("-H", f"x-{n}: {n}"))],
    "connection: close": ["/none/1/10", "-H", "connection: close"],
}


def test_curl(start: Start) -> None:
    with running("faulty") as upstream:
        sidecar, port = proxy(start, upstream, 1)
        for name, (path, *options) in CURL.items():
            for _ in range(3):
                assert curl(port, path, *options) in (b"200", b"204"), name
        clean(sidecar)


def curl(port: int, path: str, *options: str) -> bytes:
    url = URL.format(port=port, path=path)
    return output(
        tool("curl"), "-sS", "--max-time", "30", "-o", "/dev/null", "-w", "%{http_code}", *options, url
    ).encode()


@pytest.mark.parametrize("how", ["content-length", "chunked", "expect"])
def test_large_bodies_by_curl(start: Start, tmp_path: Path, how: str) -> None:
    """100 MB up and down again, checked by digest."""
    size = 100_000_000
    with (tmp_path / "sent").open("wb") as file:
        block = os.urandom(1_000_000)
        for n in range(100):
            file.write(block[n:] + block[:n])
    options = {
        "content-length": ["-H", "expect:"],
        "chunked": ["-H", "transfer-encoding: chunked", "-H", "expect:"],
        "expect": ["-H", "expect: 100-continue"],
    }[how]
    with running("echoing") as upstream:
        sidecar, port = proxy(start, upstream, 1)
        got = tmp_path / "got"
        url = URL.format(port=port, path="/")
        sent = str(tmp_path / "sent")
        command = [tool("curl"), "-sS", "--max-time", "100", "-X", "POST", "-T", sent, "-o", str(got), *options, url]
        said = json.loads(output(*command, "-w", "%{json}"))
        clean(sidecar)
    assert said["http_code"] == 200 and said["size_upload"] >= size and said["size_download"] >= size
    assert digest(got) == digest(tmp_path / "sent")


def digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
