"""The top level of a MOSN configuration."""

from __future__ import annotations

from mosn.config.findings import Findings
from mosn.config.mosn_json.build import mapping, placed, sequence
from mosn.config.mosn_json.clusters import cluster
from mosn.config.mosn_json.listeners import listener
from mosn.config.mosn_json.reader import Reader
from mosn.config.mosn_json.routes import route_configuration
from mosn.config.nodes import Mapping, Node

_OPERATION = "is set when the program is started"
_TOP_NOTES = {
    "disable_upgrade": _OPERATION,
    "close_graceful": _OPERATION,
    "inherit_old_mosnconfig": _OPERATION,
    "pid": "the pid file is in the run directory (--run-dir)",
    "uds_dir": "the control socket is in the run directory (--run-dir)",
    "pprof": "there is no Go profiler",
    "metrics": "metrics are at /stats/prometheus of the admin address",
}
_TOP_LOST = {
    "tracing": "tracing is not implemented",
    "plugin": "Go plugins cannot be loaded",
    "third_part_codec": "Go codecs cannot be loaded",
    "extends": "extensions of MOSN cannot be loaded",
    "wasm_global_plugins": "WebAssembly is not implemented",
}
_SERVER_NOTES = {
    "mosn_server_name": "it is information for people",
    "default_log_path": "the program logs to its standard error, or where it is told at start",
    "default_log_level": "is set with --log-level",
    "global_log_roller": "logs are rotated from outside (signal USR1 reopens them)",
    "use_netpoll_mode": "there is one kind of event loop",
    "graceful_timeout": "is set when draining",
    "processor": "the number of workers is set with --workers",
}


def translate(root: Mapping, findings: Findings) -> Mapping:
    """An Envoy bootstrap as nodes.  Envoy's own parts in the file (node, static_resources ...) are passed through."""
    reader = Reader(findings, root, "")
    listeners, clusters = _embedded(reader)
    for server in reader.children("servers"):
        listeners += _server(server)
    manager = reader.child("cluster_manager")
    if manager is not None:
        clusters += _clusters(manager)
    at = placed(root, "")
    static = mapping(at, {"listeners": sequence(at, listeners), "clusters": sequence(at, clusters)})
    fields: dict[str, Node | None] = {
        "node": reader.take("node"),
        "static_resources": static,
        "dynamic_resources": reader.take("dynamic_resources"),
        "admin": reader.take("admin"),
    }
    reader.leave("MC0406", _TOP_NOTES)
    reader.leave("MC0403", _TOP_LOST)
    reader.finish()
    return mapping(at, fields)


def _embedded(reader: Reader) -> tuple[list[Node], list[Node]]:
    """Envoy's static_resources, which MOSN takes beside its own."""
    static = reader.child("static_resources")
    if static is None:
        return [], []
    listeners, clusters = static.items("listeners"), static.items("clusters")
    static.finish()
    return listeners, clusters


def _server(server: Reader) -> list[Node]:
    routers: dict[str, Mapping] = {}
    listeners = list(server.children("listeners"))
    for reader in [*server.children("routers"), *(found for item in listeners for found in _older_routers(item))]:
        name = reader.word("router_config_name") if reader.has("router_config_name") else ""
        again = Reader(reader.findings, reader.node, reader.path)
        if name in routers:
            reader.report("MC0301", f'a router configuration "{name}" exists already')
        routers[name] = route_configuration(again)
    made: list[Node] = [listener(reader, routers) for reader in listeners]
    server.leave("MC0406", _SERVER_NOTES)
    server.finish()
    return made


def _older_routers(reader: Reader) -> list[Reader]:
    """Router configurations in network filters of type connection_manager, looked at without taking anything."""
    found = []
    looking = Reader(Findings(""), reader.node, reader.path)
    for chain in looking.children("filter_chains"):
        for item in chain.children("filters"):
            if item.word("type") == "connection_manager":
                node = item.take("config")
                if node is not None:
                    found.append(Reader(reader.findings, node, item.where("config")))
    return found


def _clusters(manager: Reader) -> list[Node]:
    made: list[Node] = [cluster(reader) for reader in manager.children("clusters")]
    tls = manager.child("tls_context")
    if tls is not None and tls.flag("status"):
        tls.report("MC0405", "MOSN's tls_context is not translated yet; say it as Envoy's transport_socket")
    manager.leave("MC0405", {"clusters_configs": "clusters from a directory are not read; put them into this file"})
    manager.leave("MC0406", {"cluster_pool_enable": "pools are always the cluster's"})
    manager.finish()
    return made
