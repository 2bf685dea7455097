"""What a MOSN route does with a request: cluster, rewrites, retries, header operations."""

from __future__ import annotations

from mosn.config.mosn_json.build import const, mapping, sequence
from mosn.config.mosn_json.logs import format_text
from mosn.config.mosn_json.reader import Reader
from mosn.config.nodes import Mapping, Node, Scalar

_TIMEOUT = "60s"
_RETRY_ALWAYS = "connect-failure"
_RETRY_ON = "5xx,reset,connect-failure"
_RETRY_CODES = "retriable-status-codes,reset,connect-failure"
_DEFAULT_RETRIES = 3


def route_action(reader: Reader, mirror: Node | None) -> Mapping:
    """`route` of a router, with MOSN's defaults: 60 seconds, and three more attempts when a connection fails."""
    at = reader.node
    clusters = [_weighted(child) for child in reader.children("weighted_clusters")]
    name, header = reader.text("cluster_name"), reader.text("cluster_header")
    fields: dict[str, Node | None] = {}
    if clusters:
        fields["weighted_clusters"] = mapping(at, {"clusters": sequence(at, clusters)})
    elif header is not None and header.value and not (name is not None and name.value):
        fields["cluster_header"] = header
    else:
        fields["cluster"] = name
    retry = reader.child("retry_policy")
    fields.update(
        timeout=reader.duration("timeout") or const(at, _TIMEOUT),
        retry_policy=_retry(retry) if retry is not None else _default_retry(at),
        hash_policy=sequence(at, [policy for child in reader.children("hash_policy") if (policy := _hash(child))]),
        request_mirror_policies=mirror,
        **_rewrites(reader),
    )
    reader.leave("MC0405", {"cluster_variable": "choosing a cluster by variable is not available"})
    reader.leave(
        "MC0403",
        {
            "metadata_match": "subsets of a cluster are not implemented",
            "upstream_protocol": "the protocol belongs to the cluster here",
        },
    )
    reader.finish()
    return mapping(at, fields)


def _rewrites(reader: Reader) -> dict[str, Node | None]:
    fields: dict[str, Node | None] = {"prefix_rewrite": _filled(reader.text("prefix_rewrite"))}
    regex = reader.child("regex_rewrite")
    if regex is not None:
        rewritten = _regex_rewrite(regex)
        if fields["prefix_rewrite"] is None:
            fields["regex_rewrite"] = rewritten
    literal, header = reader.text("host_rewrite"), reader.text("auto_host_rewrite_header")
    automatic = reader.flag("auto_host_rewrite")
    if literal is not None and literal.value:
        fields["host_rewrite_literal"] = literal
    elif header is not None and header.value:
        fields["host_rewrite_header"] = header
    elif automatic:
        fields["auto_host_rewrite"] = const(reader.node, True)
    return fields


def _filled(node: Scalar | None) -> Scalar | None:
    return node if node is not None and node.value else None


def _regex_rewrite(reader: Reader) -> Mapping | None:
    pattern = reader.child("pattern")
    substitution = reader.text("substitution")
    reader.finish()
    if pattern is None:
        return None
    regex = pattern.text("regex")
    pattern.leave("MC0406", {"google_re2": "RE2 bounds its own memory"})
    pattern.finish()
    if regex is None or not regex.value:
        return None
    text = const(substitution, _go_to_re2(str(substitution.value))) if substitution is not None else None
    return mapping(reader.node, {"pattern": mapping(regex, {"regex": regex}), "substitution": text})


def _go_to_re2(substitution: str) -> str:
    """Go writes $1 where RE2 writes \\1."""
    result = substitution.replace("\\", "\\\\")
    for digit in range(10):
        result = result.replace(f"${{{digit}}}", f"\\{digit}").replace(f"${digit}", f"\\{digit}")
    return result.replace("$$", "$")


def _weighted(reader: Reader) -> Mapping:
    cluster = reader.child("cluster") or Reader(reader.findings, None, reader.where("cluster"))
    name, weight = cluster.text("name"), cluster.number("weight")
    if name is None:
        reader.report("MC0402", 'expected {"cluster": {"name": ..., "weight": ...}}')
    cluster.leave("MC0403", {"metadata_match": "subsets of a cluster are not implemented"})
    cluster.finish()
    reader.finish()
    return mapping(reader.node, {"name": name, "weight": weight})


def _default_retry(at: Node) -> Mapping:
    """MOSN repeats a request whose connection failed, also when nothing asks for it."""
    return mapping(at, {"retry_on": const(at, _RETRY_ALWAYS), "num_retries": const(at, _DEFAULT_RETRIES)})


def _retry(reader: Reader) -> Mapping:
    wanted, codes = reader.flag("retry_on"), reader.items("status_codes")
    number = reader.number("num_retries")
    timeout = reader.duration("retry_timeout")
    reader.finish()
    at = reader.node
    conditions = _RETRY_ALWAYS if not wanted else _RETRY_CODES if codes else _RETRY_ON
    return mapping(
        at,
        {
            "retry_on": const(at, conditions),
            "num_retries": number or const(at, _DEFAULT_RETRIES),
            "per_try_timeout": timeout if timeout is not None and timeout.value != "0s" else None,
            "retriable_status_codes": sequence(at, codes) if wanted else None,
        },
    )


def _hash(reader: Reader) -> Mapping | None:
    header, cookie, source = reader.child("header"), reader.child("cookie"), reader.child("source_ip")
    reader.finish()
    if header is not None:
        key = header.text("key")
        header.finish()
        return mapping(reader.node, {"header": mapping(header.node, {"header_name": key})})
    if cookie is not None:
        fields: dict[str, Node | None] = {
            "name": cookie.text("name"), "path": cookie.text("path"), "ttl": cookie.duration("ttl"),
        }  # fmt: skip
        cookie.finish()
        return mapping(reader.node, {"cookie": mapping(cookie.node, fields)})
    if source is not None:
        properties = mapping(source.node, {"source_ip": const(source.node, True)})
        return mapping(reader.node, {"connection_properties": properties})
    return None


def mirrors(reader: Reader | None) -> Node | None:
    """`request_mirror_policies`, which in MOSN is one object."""
    if reader is None:
        return None
    cluster, percent = reader.text("cluster"), reader.number("percent")
    reader.leave("MC0406", {"trace_sampled": "MOSN reads it and does nothing with it"})
    reader.finish()
    if cluster is None or not cluster.value:
        return None
    fraction = None
    if percent is not None:
        value = mapping(percent, {"numerator": percent, "denominator": const(percent, "HUNDRED")})
        fraction = mapping(percent, {"default_value": value})
    return sequence(cluster, [mapping(cluster, {"cluster": cluster, "runtime_fraction": fraction})])


def header_operations(reader: Reader) -> dict[str, Node | None]:
    """Header operations of any level, under Envoy's names (which MOSN took over)."""
    fields: dict[str, Node | None] = {}
    for side in ("request", "response"):
        key = f"{side}_headers_to_add"
        added = [option for child in reader.children(key) if (option := _header_option(child))]
        fields[key] = sequence(reader.node, added)
        key = f"{side}_headers_to_remove"
        fields[key] = sequence(reader.node, reader.texts(key))
    return fields


def _header_option(reader: Reader) -> Mapping | None:
    header = reader.child("header")
    append = reader.flag("append") if reader.has("append") else True
    reader.finish()
    if header is None:
        reader.report("MC0402", 'expected {"header": {"key": ..., "value": ...}}')
        return None
    key, value = header.text("key"), header.text("value")
    header.finish()
    if value is not None:
        value = const(value, format_text(header, value, "value"))
    action = "APPEND_IF_EXISTS_OR_ADD" if append else "OVERWRITE_IF_EXISTS_OR_ADD"
    option = mapping(header.node, {"key": key, "value": value})
    return mapping(reader.node, {"header": option, "append_action": const(reader.node, action)})
