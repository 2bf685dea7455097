"""Every protocol of the kit: one file each, and one line here."""

from __future__ import annotations

from tests.contract.protocol import Protocol
from tests.contract.protocols.bolt import BOLT, BOLT_V2
from tests.contract.protocols.toy import TOY

PROTOCOLS: list[Protocol] = [
    BOLT,
    BOLT_V2,
    TOY,
]
