"""Load-balancing policies: lb_policy with its configurations, or load_balancing_policy's typed extensions."""

from __future__ import annotations

from typing import Any, Literal

from mosn.config.api import type_name
from mosn.config.lower.context import Context, wrapped
from mosn.config.lower.runtime import runtime_integer, runtime_number
from mosn.config.rules import unpack
from mosn.config.supported import EXTENSIONS
from mosn.model import LoadBalancing

Policy = Literal["round_robin", "least_request", "random", "ring_hash", "maglev", "original_dst"]
_BY_NUMBER: dict[int, Policy] = {0: "round_robin", 1: "least_request", 2: "ring_hash", 3: "random", 5: "maglev"}
_CLUSTER_PROVIDED = 6
_POLICY_CONFIG = 7
_STRICT_DNS = 1
_TYPES = EXTENSIONS["envoy.config.cluster.v3.LoadBalancingPolicy.Policy.typed_extension_config"]
_BY_TYPE: dict[str, Policy] = {
    "RoundRobin": "round_robin", "LeastRequest": "least_request", "Random": "random", "RingHash": "ring_hash",
    "Maglev": "maglev", "ClusterProvided": "original_dst",
}  # fmt: skip
_ORIGINAL_DST_HEADER = "x-envoy-original-dst-host"
_MIN_RING, _MAX_RING, _RING_LIMIT = 1024, 8 * 1024 * 1024, 8 * 1024 * 1024
_MAGLEV_TABLE, _MAGLEV_LIMIT = 65_537, 5_000_011


def lower_balancing(ctx: Context, cluster: Any, path: str, *, original_dst: bool) -> LoadBalancing:
    result = _defaults(cluster)
    if cluster.HasField("load_balancing_policy"):
        _typed_policy(ctx, cluster.load_balancing_policy, result, f"{path}.load_balancing_policy")
    else:
        _named_policy(ctx, cluster, result, path)
    if result["use_hostname_for_hashing"] and cluster.type != _STRICT_DNS:
        where = f"{path}.common_lb_config.consistent_hashing_lb_config.use_hostname_for_hashing"
        ctx.report("MC0315", where, "host names are hashed only in clusters of type STRICT_DNS")
    if original_dst:
        _original_dst(ctx, cluster, result, path)
    elif result["policy"] == "original_dst" and not ctx.findings.failed(path):
        ctx.report("MC0315", f"{path}.lb_policy", "CLUSTER_PROVIDED is for clusters of type ORIGINAL_DST")
    return result


def _defaults(cluster: Any) -> LoadBalancing:
    common = cluster.common_lb_config
    hashing = common.consistent_hashing_lb_config
    panic = common.healthy_panic_threshold.value if common.HasField("healthy_panic_threshold") else 50.0
    return {
        "policy": "round_robin",
        "choice_count": 2,
        "active_request_bias": 1.0,
        "minimum_ring_size": _MIN_RING,
        "maximum_ring_size": _MAX_RING,
        "hash_function": "xx_hash",
        "table_size": _MAGLEV_TABLE,
        "use_hostname_for_hashing": hashing.use_hostname_for_hashing,
        "hash_balance_factor": wrapped(hashing, "hash_balance_factor", 0),
        "healthy_panic_threshold": float(panic),
        "original_dst_header": "",
    }


def _named_policy(ctx: Context, cluster: Any, result: LoadBalancing, path: str) -> None:
    number = cluster.lb_policy
    if number == _POLICY_CONFIG:
        ctx.report("MC0108", f"{path}.load_balancing_policy", "is required by lb_policy LOAD_BALANCING_POLICY_CONFIG")
    result["policy"] = "original_dst" if number == _CLUSTER_PROVIDED else _BY_NUMBER.get(number, "round_robin")
    if result["policy"] == "least_request":
        _least_request(ctx, cluster.least_request_lb_config, result)
    elif result["policy"] == "ring_hash":
        _ring(ctx, cluster.ring_hash_lb_config, result, f"{path}.ring_hash_lb_config")
        result["hash_function"] = _hash_function(cluster.ring_hash_lb_config.hash_function, murmur=1)
    elif result["policy"] == "maglev":
        _maglev(ctx, cluster.maglev_lb_config, result, f"{path}.maglev_lb_config")


def _typed_policy(ctx: Context, policy: Any, result: LoadBalancing, path: str) -> None:
    for index, entry in enumerate(policy.policies):
        payload = entry.typed_extension_config.typed_config
        if type_name(payload.type_url) in _TYPES and (config := unpack(payload)) is not None:
            _apply_typed(ctx, config, result, f"{path}.policies[{index}].typed_extension_config.typed_config")
            return
    if not ctx.findings.failed(path):
        ctx.report("MC0202", path, "none of the policies is implemented")


def _apply_typed(ctx: Context, config: Any, result: LoadBalancing, path: str) -> None:
    result["policy"] = _BY_TYPE[config.DESCRIPTOR.name]
    if result["policy"] == "least_request":
        _least_request(ctx, config, result)
    elif result["policy"] == "ring_hash":
        result["use_hostname_for_hashing"] = config.use_hostname_for_hashing
        result["hash_balance_factor"] = wrapped(config, "hash_balance_factor", 0)
        _ring(ctx, config, result, path)
        result["hash_function"] = _hash_function(config.hash_function, murmur=2)
    elif result["policy"] == "maglev":
        _maglev(ctx, config, result, path)
    if result["policy"] in ("ring_hash", "maglev") and config.HasField("consistent_hashing_lb_config"):
        hashing = config.consistent_hashing_lb_config
        result["use_hostname_for_hashing"] = hashing.use_hostname_for_hashing
        result["hash_balance_factor"] = wrapped(hashing, "hash_balance_factor", 0)


def _hash_function(number: int, murmur: int) -> Literal["xx_hash", "murmur_hash_2"]:
    """Cluster.RingHashLbConfig counts from 0, the typed extension has a default in front."""
    return "murmur_hash_2" if number == murmur else "xx_hash"


def _least_request(ctx: Context, config: Any, result: LoadBalancing) -> None:
    result["choice_count"] = wrapped(config, "choice_count", 2)
    if config.HasField("active_request_bias"):
        bias = config.active_request_bias
        override = runtime_number(ctx.runtime, bias.runtime_key)
        result["active_request_bias"] = bias.default_value if override is None or override < 0 else override


def _ring(ctx: Context, config: Any, result: LoadBalancing, path: str) -> None:
    smallest = result["minimum_ring_size"] = wrapped(config, "minimum_ring_size", _MIN_RING)
    largest = result["maximum_ring_size"] = wrapped(config, "maximum_ring_size", _MAX_RING)
    if smallest > largest:
        text = f"minimum_ring_size ({smallest}) is greater than maximum_ring_size ({largest})"
        ctx.report("MC0315", f"{path}.minimum_ring_size", text)


def _maglev(ctx: Context, config: Any, result: LoadBalancing, path: str) -> None:
    size = result["table_size"] = wrapped(config, "table_size", _MAGLEV_TABLE)
    if size <= _MAGLEV_LIMIT and not _is_prime(size):
        ctx.report("MC0109", f"{path}.table_size", f"must be a prime number, {size} is not")


def _is_prime(number: int) -> bool:
    return number > 1 and all(number % divisor for divisor in range(2, int(number**0.5) + 1))


def _original_dst(ctx: Context, cluster: Any, result: LoadBalancing, path: str) -> None:
    if result["policy"] != "original_dst":
        ctx.report("MC0315", f"{path}.lb_policy", "a cluster of type ORIGINAL_DST needs lb_policy CLUSTER_PROVIDED")
    config = cluster.original_dst_lb_config
    if config.use_http_header:
        result["original_dst_header"] = (config.http_header_name or _ORIGINAL_DST_HEADER).lower()
    elif config.http_header_name:
        ctx.report("MC0315", f"{path}.original_dst_lb_config.http_header_name", "needs use_http_header: true")


def panic_threshold(ctx: Context, lb: LoadBalancing) -> float:
    """The runtime's upstream.healthy_panic_threshold overrides every cluster's."""
    return float(runtime_integer(ctx.runtime, "upstream.healthy_panic_threshold", -1))
