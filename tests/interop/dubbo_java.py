"""Dubbo Java's versions, and a server of each for all tests."""

from __future__ import annotations

from dataclasses import dataclass

from tests.interop.program import Program

VERSIONS = ("2.7.23", "3.3.6")
# Dubbo 3 checks classes against a list of its own.
OPTIONS = ("-Ddubbo.application.serialize-check-status=DISABLE",)


@dataclass(frozen=True)
class Server:
    """It answers `where` with its name."""

    name: str
    port: int
    program: Program
