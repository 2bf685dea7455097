"""Every protocol of the kit: one file each, and one line here."""

from __future__ import annotations

from tests.contract.protocol import Protocol
from tests.contract.protocols.bolt import BOLT, BOLT_V2
from tests.contract.protocols.brpc_std import BRPC_STD
from tests.contract.protocols.motan2 import MOTAN2
from tests.contract.protocols.tars import TARS
from tests.contract.protocols.thrift import THRIFT, THRIFT_HEADER
from tests.contract.protocols.toy import TOY

PROTOCOLS: list[Protocol] = [
    BOLT,
    BOLT_V2,
    TOY,
    THRIFT,
    THRIFT_HEADER,
    MOTAN2,
    BRPC_STD,
    TARS,
]
