"""What of an RPC request anything in the configuration looks at: the rest of its head is not read at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mosn.model import (
    AccessLog,
    AccessLogFilter,
    HashPolicy,
    HeaderMatcher,
    HeaderOp,
    Route,
    RouteAction,
    RouteTable,
    VirtualHost,
    WeightedCluster,
)

_OPERATOR = re.compile(r"%([A-Z_]+)(?:\(([^)]*)\))?")
_REQUEST_OPERATORS = frozenset({"REQ", "REQUEST_HEADER", "REQ_WITHOUT_QUERY"})
_PATH_OPERATORS = frozenset({"PATH", "QUERY_PARAM", "QUERY_PARAMS"})
_OTHER_OPERATORS = frozenset({"COALESCE", "REQUEST_HEADERS_BYTES", "TRACE_ID", "SPAN_ID"})
"""Operators that look at more than they say."""


@dataclass(slots=True)
class Reads:
    path: bool = False
    headers: bool = False

    def name(self, name: str) -> None:
        """Something looks at the header of this name."""
        if name == ":path":
            self.path = True
        elif not name.startswith(":"):
            self.headers = True

    def everything(self) -> None:
        self.path = self.headers = True

    def text(self, text: str) -> None:
        """Something formats a line with these operators."""
        for operator, argument in _OPERATOR.findall(text):
            if operator in _REQUEST_OPERATORS:
                for name in argument.lower().split("?"):
                    self.name(name)
            elif operator in _PATH_OPERATORS:
                self.path = True
            elif operator in _OTHER_OPERATORS:
                self.everything()


def rpc_reads(table: RouteTable | None, logs: Iterable[AccessLog]) -> Reads:
    reads = Reads()
    for host in table["virtual_hosts"] if table is not None else ():
        _virtual_host(reads, host)
    for log in logs:
        for text in (log["format"], *_strings(log["json"])):
            reads.text(text)
        if log["filter"] is not None:
            _log_filter(reads, log["filter"])
    return reads


def _virtual_host(reads: Reads, host: VirtualHost) -> None:
    if host["require_tls"] != "none":
        reads.headers = True  # x-forwarded-proto
    for route in host["routes"]:
        _route(reads, route)


def _route(reads: Reads, route: Route) -> None:
    match = route["match"]
    if match["query"] or match["path"]["kind"] != "prefix" or match["path"]["value"] not in ("", "/"):
        reads.path = True
    if match["grpc"]:
        reads.headers = True
    _matchers(reads, match["headers"])
    if route["fault"] is not None:
        _matchers(reads, route["fault"]["headers"])
        reads.headers |= route["fault"]["delay_by_header"] or route["fault"]["abort_by_header"]
    _operations(reads, route["request_header_ops"], route["response_header_ops"])
    if route["include_request_attempt_count"]:
        reads.headers = True  # one is added
    if route["redirect"] is not None:
        reads.everything()
    if route["action"] is not None:
        _action(reads, route["action"])


def _action(reads: Reads, action: RouteAction) -> None:
    if action["prefix_rewrite_set"] or action["regex_rewrite"] or action["host_rewrite"]:
        reads.everything()  # they add x-envoy-original-path and the like
    if action["append_x_forwarded_host"]:
        reads.everything()
    if action["cluster_header"]:
        reads.name(action["cluster_header"].lower())
    for cluster in action["clusters"]:
        _cluster(reads, cluster)
    for policy in action["hash_policy"]:
        _hash(reads, policy)
    if action["retry_policy"] is not None:
        _matchers(reads, action["retry_policy"]["retriable_request_headers"])


def _cluster(reads: Reads, cluster: WeightedCluster) -> None:
    if cluster["host_rewrite"]:
        reads.everything()
    _operations(reads, cluster["request_header_ops"], cluster["response_header_ops"])


def _operations(reads: Reads, request: list[HeaderOp], response: list[HeaderOp]) -> None:
    if request:
        reads.headers = True
    for op in (*request, *response):
        reads.text(op["value"])


def _matchers(reads: Reads, matchers: list[HeaderMatcher]) -> None:
    for matcher in matchers:
        reads.name(matcher["name"])


def _hash(reads: Reads, policy: HashPolicy) -> None:
    if policy["kind"] == "header":
        reads.name(policy["name"].lower())
    elif policy["kind"] == "query":
        reads.path = True
    elif policy["kind"] == "cookie":
        reads.headers = True


def _log_filter(reads: Reads, tree: AccessLogFilter) -> None:
    if tree["kind"] == "header":
        _matchers(reads, [tree["header"]])
    elif tree["kind"] == "not_health_check":
        reads.headers = True
    for child in tree.get("children", ()):
        _log_filter(reads, child)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.items():
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _strings(each)
