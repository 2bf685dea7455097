"""From Envoy's dotted names of statistics to Prometheus' families and labels, by Envoy's rules for tags.

Envoy finds the tags of "cluster.a.b.upstream_rq_2xx" with regular expressions and takes the cluster to be "a".  Here
the scope of every number is known, so the label holds the whole name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

Kind = Literal["counter", "gauge"]

# Kind of scope -> the label that holds its name.  The family begins with "envoy_KIND_".
SCOPE_LABELS = {
    "cluster": "envoy_cluster_name",
    "cluster_ssl": "envoy_cluster_name",
    "http": "envoy_http_conn_manager_prefix",
    "listener": "envoy_listener_address",
    "listener_ssl": "envoy_listener_address",
    "rpc": "mosn_rpc_prefix",
    "tcp": "envoy_tcp_prefix",
}

_NOT_IN_A_NAME = re.compile(r"[^a-zA-Z0-9_]")
# Envoy's default tag extractors for the part after the scope's name (source/common/config/well_known_names.cc).
_RESPONSE_CLASS = re.compile(r"_rq_([1-5])xx$")
_RESPONSE_CODE = re.compile(r"_rq_(\d{3})$")
_SSL = "_ssl"
_TLS_CHOICE = re.compile(r"(ciphers|versions|curves)\.(.*)$")
_TLS_LABELS = {"ciphers": "cipher", "versions": "version", "curves": "curve"}
_WORKER = re.compile(r"(^|\.)worker_(\d+)\.")


@dataclass(frozen=True, slots=True)
class Column:
    """One statistic of every scope of a kind."""

    suffix: str  # "upstream_rq_2xx"
    family: str  # "envoy_cluster_upstream_rq_xx"
    label: str  # 'envoy_response_code_class="2"' or ""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The statistics that stand beside each other for every scope of a kind.  Compared by identity."""

    kind: Kind
    columns: tuple[Column, ...]
    index: dict[str, int] = field(repr=False)


@lru_cache(maxsize=4096)
def columns_for(scope_kind: str, kind: Kind, suffixes: tuple[str, ...]) -> Columns:
    """`scope_kind` is a key of SCOPE_LABELS, or any other word or "" for scopes without a label."""
    columns = tuple(column_for(scope_kind, suffix) for suffix in suffixes)
    return Columns(kind, columns, {suffix: position for position, suffix in enumerate(suffixes)})


def column_for(scope_kind: str, suffix: str) -> Column:
    name, label = suffix, ""
    if found := _RESPONSE_CLASS.search(name):
        name, label = f"{name[: found.start()]}_rq_xx", f'envoy_response_code_class="{found[1]}"'
    elif found := _RESPONSE_CODE.search(name):
        name, label = f"{name[: found.start()]}_rq", f'envoy_response_code="{found[1]}"'
    elif found := _WORKER.search(name):
        name, label = f"{name[: found.start()]}{found[1]}worker.{name[found.end() :]}", f'envoy_worker_id="{found[2]}"'
    if scope_kind.endswith(_SSL) and (found := _TLS_CHOICE.match(name)):
        name, label = found[1], f'envoy_ssl_{_TLS_LABELS[found[1]]}="{escape(found[2])}"'
    parts = ["envoy", scope_kind, name] if scope_kind else ["envoy", name]
    return Column(suffix, _NOT_IN_A_NAME.sub("_", "_".join(parts)), label)


def scope_label(scope_kind: str, name: str) -> str:
    """'envoy_cluster_name="a"', or "" for a scope without one."""
    label = SCOPE_LABELS.get(scope_kind)
    return f'{label}="{escape(name)}"' if label else ""


def prefix_of(scope: str) -> str:
    """How the dotted names of a scope's statistics begin: those of TLS stand in the middle of their owner's."""
    kind, _, name = scope.partition(".")
    return f"{kind.removesuffix(_SSL)}.{name}.ssl." if kind.endswith(_SSL) else f"{scope}."


def escape(value: str) -> str:
    """A label's value as the text exposition format wants it."""
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def join_labels(labels: Sequence[str]) -> str:
    return ",".join(filter(None, labels))
