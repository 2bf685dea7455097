"""What is measured: one row of the result each."""

from __future__ import annotations

from dataclasses import dataclass

from bench.load.client import Exchange

KIB = 1024


@dataclass(frozen=True)
class Row:
    """A kind of measurement and the traffic it takes.

    `kind` names the function of measure.py: closed, scaling, open, idle, memory or ready.
    """

    name: str
    title: str
    kind: str
    exchange: Exchange
    connections: int = 64
    depth: int = 1
    workers: int = 1
    clusters: int = 1


HTTP = Exchange("http1", KIB)
HTTP2 = Exchange("http2", KIB)
TLS = Exchange("http1", KIB, tls=True)
BOLT = Exchange("bolt", KIB, 128)
DUBBO = Exchange("dubbo", KIB, 128)

ROWS: dict[str, Row] = {
    row.name: row
    for row in (
        Row("http1", "HTTP/1.1, 64 x 1, 1 KiB answers", "closed", HTTP),
        Row("http1-64k", "HTTP/1.1, 64 x 1, 64 KiB answers", "closed", Exchange("http1", 64 * KIB)),
        Row("tls", "TLS 1.3 to HTTP/1.1, 64 x 1, 1 KiB answers", "closed", TLS),
        Row("http2", "HTTP/2 both sides, 16 x 32, 1 KiB answers", "closed", HTTP2, connections=16, depth=32),
        Row("tcp", "TCP echo, 64 x 1, 1 KiB", "closed", Exchange("tcp", KIB, KIB)),
        Row("tcp-64k", "TCP echo, 64 x 1, 64 KiB", "closed", Exchange("tcp", 64 * KIB, 64 * KIB)),
        Row("bolt", "BOLT, 64 x 1, 1 KiB answers", "closed", BOLT),
        Row("bolt-8x64", "BOLT, 8 x 64, 1 KiB answers", "closed", BOLT, connections=8, depth=64),
        Row("bolt-16x32", "BOLT, 16 x 32, 1 KiB answers", "closed", BOLT, connections=16, depth=32),
        Row("dubbo", "Dubbo, 64 x 1, 1 KiB answers", "closed", DUBBO),
        Row("dubbo-16x32", "Dubbo, 16 x 32, 1 KiB answers", "closed", DUBBO, connections=16, depth=32),
        Row("http1-open", "HTTP/1.1, open loop over 64 connections, 1 KiB answers", "open", HTTP),
        Row("http1-scaling", "HTTP/1.1, 64 x 1, one worker and two, load on the same cores", "scaling", HTTP),
        Row("idle", "idle HTTP/1.1 keep-alive connections", "idle", HTTP, connections=10_000),
        Row("idle-bolt", "idle BOLT connections", "idle", BOLT, connections=5_000),
        Row("memory", "whole proxy with 2 workers and 100 clusters", "memory", HTTP, workers=2, clusters=100),
        Row("ready", "start to first answer, and checking a 100 kB configuration", "ready", HTTP),
    )
}
