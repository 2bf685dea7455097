"""The proxies of the comparison, in the order of the tables. A new one is one file and one line here."""

from __future__ import annotations

from bench.peers.base import Peer
from bench.peers.envoy import Envoy
from bench.peers.haproxy import HAProxy
from bench.peers.mosn import Mosn
from bench.peers.mosn_go import MosnGo
from bench.peers.nginx import Nginx

PEERS: dict[str, Peer] = {peer.name: peer for peer in (Mosn(), Nginx(), HAProxy(), Envoy(), MosnGo())}
