"""`mosn route`: which listener, filter chain, virtual host, route, cluster and host a request would get, and why.

Routes are asked of the compiled matcher that serves requests (mosn._fastpath.proxy.route_face).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from mosn.config.load import LoadedConfig
    from mosn.model import FilterChain, HttpManager, Snapshot

EXIT_ROUTED, EXIT_NOT_ROUTED, EXIT_WRONG = 0, 1, 2
_SLASHES = ("keep", "reject", "unescape_redirect", "unescape_forward")

_EPILOG = """\
A URL's port chooses the listener; one without a host goes to the virtual host of "*" (or of -H 'host: ...').  For a
cluster with weights every choice is listed; --random N shows the one that the random number N picks.
Exit code: 0 something answers, 1 nothing would (no route, cluster or host), 2 wrong configuration or usage.

examples:
  mosn route -c envoy.yaml GET http://shop.example.com/cart
  mosn route -c envoy.yaml POST http://127.0.0.1:8080/api -H 'x-user: 7' --json
  mosn route GET /health                      asks about the configuration of the instance that runs
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "route",
        help="say which route, cluster and host a request would get, and why",
        description="Say what would happen to a request, and why the routes before did not match. Sends nothing.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("method", metavar="METHOD")
    parser.add_argument("url", metavar="URL")
    parser.add_argument("-c", "--config", metavar="FILE", help="configuration (default: of the running instance)")
    parser.add_argument("--run-dir", metavar="DIR", type=Path, help="run directory of the instance to ask about")
    parser.add_argument("-H", "--header", metavar="'K: V'", action="append", default=[], help="a request header")
    parser.add_argument("--listener", metavar="NAME", default="", help="the listener (default: by the URL's port)")
    parser.add_argument("--source", metavar="IP[:PORT]", default="127.0.0.1", help="the client (default: %(default)s)")
    parser.add_argument("--random", metavar="N", type=int, default=0, help="for weights and percentages")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    headers = [_header(text) for text in args.header]
    if None in headers:
        print('mosn: a header is written "Name: value"', file=sys.stderr)
        return EXIT_WRONG
    loaded = _load(args)
    if loaded is None or loaded.errors:
        for error in loaded.errors if loaded else []:
            print(error, file=sys.stderr)
        return EXIT_WRONG
    try:
        result = explain_request(loaded, args, [header for header in headers if header])
    except ValueError as error:
        print(f"mosn: {error}", file=sys.stderr)
        return EXIT_WRONG
    print(json.dumps(result, indent=2, default=str) if args.json else "\n".join(describe(result)))
    return EXIT_ROUTED if result["answer"] else EXIT_NOT_ROUTED


def _header(text: str) -> tuple[str, str] | None:
    name, colon, value = text.partition(":")
    return (name.strip().lower(), value.strip()) if colon and name.strip() else None


def _load(args: argparse.Namespace) -> LoadedConfig | None:
    """The file's configuration, or that of the running instance's file."""
    from mosn import config

    if args.config:
        return config.load_file(args.config)
    from mosn.workers.control_client import ControlClient, NotRunning
    from mosn.workers.run_directory import default_run_directory

    try:
        client = ControlClient(args.run_dir or default_run_directory())
    except NotRunning as error:
        print(f"mosn: {error}; give a file with -c", file=sys.stderr)
        return None
    try:
        running = client.call("status").body["config"]
    finally:
        client.close()
    loaded = config.load_file(running["path"])
    if loaded.version != running["version"]:
        text = f"{running['path']} has changed since it was loaded; this is about the file as it is now"
        print(f"mosn: {text}", file=sys.stderr)
    return loaded


def explain_request(loaded: LoadedConfig, args: argparse.Namespace, headers: list[tuple[str, str]]) -> dict[str, Any]:
    """Everything about one request.  `answer` is False when nobody would serve it.  Raises ValueError for a URL, source
    or listener that cannot be used."""
    from mosn import config
    from mosn.cli.route_chains import choose_chain, choose_listener
    from mosn.config.lower.context import NullRegistry

    snapshot = config.build_snapshot(loaded, NullRegistry(), _names_as_addresses(loaded))
    url = urlsplit(args.url)
    listener, others = choose_listener(snapshot["listeners"], args.listener, url.hostname or "", url.port or 0)
    result: dict[str, Any] = {"request": f"{args.method} {args.url}", "listener": None, "filter_chain": None}
    result.update(answer=False, rejected=[vars_of(item) for item in others])
    if listener is None:
        if args.listener:
            raise ValueError(f"there is no listener {args.listener!r}")
        return result
    result["listener"] = {"name": listener["name"], "address": listener["address"]}
    chain, skipped = choose_chain(listener, _connection(args, url, listener["address"]))
    result["rejected"] += [vars_of(item) for item in skipped]
    if chain is None:
        return result
    result["filter_chain"] = {"name": chain["name"], "kind": chain["kind"]}
    if chain["tcp"]:
        clusters = [(cluster["name"], cluster["weight"]) for cluster in chain["tcp"]["clusters"]]
        result.update(kind="tcp", clusters=_clusters(snapshot, loaded, clusters))
        result["answer"] = any(cluster["hosts"] for cluster in result["clusters"])
    else:
        _explain_http(result, loaded, snapshot, chain, args, headers)
    return result


def _explain_http(
    result: dict[str, Any],
    loaded: LoadedConfig,
    snapshot: Snapshot,
    chain: FilterChain,
    args: argparse.Namespace,
    headers: list[tuple[str, str]],
) -> None:
    from mosn._fastpath.proxy.route_face import explain

    manager = chain["http"] or chain["rpc"]
    assert manager is not None
    table = snapshot["route_tables"][manager["route_table"]]
    url = args.url if urlsplit(args.url).hostname else _with_host(args.url, headers)
    if chain["http"] is not None:
        url = _as_routed(url, chain["http"], result["listener"]["address"])
    found = explain(table, snapshot["clusters"], args.method.upper(), url, headers, random=args.random)
    for item in found.pop("rejected"):
        name = item["name"] or f"#{item['route']}"
        result["rejected"].append({"what": f"route {name}", "why": item["why"]})
    result.update(found)
    result["route_table"] = table["name"]
    if found["kind"] == "cluster":
        weights = found["clusters"] or [(found["cluster"], 1)]
        result["clusters"] = _clusters(snapshot, loaded, weights)
        result["answer"] = any(cluster["hosts"] for cluster in result["clusters"])
    else:
        result["answer"] = found["kind"] != "none" or bool(found["tls_redirect"])


def _with_host(path: str, headers: list[tuple[str, str]]) -> str:
    """A URL of only a path: a host header says which host, else it is one that only "*" matches."""
    host = next((value for name, value in headers if name == "host"), "nowhere.invalid")
    return f"http://{host}{path if path.startswith('/') else '/' + path}"


def _as_routed(text: str, manager: HttpManager, bound: str) -> str:
    """The URL as the HTTP manager hands it to the router: its strip_*, normalize_path and merge_slashes applied."""
    from mosn._fastpath.proxy.route_face import normalize

    url = urlsplit(text)
    host, port = url.hostname or "", url.port
    if manager["strip_trailing_host_dot"]:
        host = host.removesuffix(".")
    usual = port == (443 if url.scheme == "https" else 80)
    matching = manager["strip_port"] == "matching" and bound.endswith(f":{port}")
    if ":" in host:
        host = f"[{host}]"
    if port and not (usual or matching or manager["strip_port"] == "any"):
        host = f"{host}:{port}"
    escaped = _SLASHES.index(manager["path_with_escaped_slashes"])
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    verdict, made = normalize(path.encode(), manager["normalize_path"], manager["merge_slashes"], escaped)
    if verdict != "ok":
        outcome = "is refused with 400" if verdict == "bad" else f"is redirected to {made.decode()}"
        raise ValueError(f"the path {outcome} before routing")
    return f"{url.scheme or 'http'}://{host}{made.decode()}"


def vars_of(item: Any) -> dict[str, str]:
    return {"what": item.what, "why": item.why}


def _connection(args: argparse.Namespace, url: Any, bound: str) -> Any:
    from mosn.cli.route_chains import Connection, ip_of

    host, port = args.source, 0
    if ip_of(host) is None:
        host, _, digits = args.source.rpartition(":")
        port = int(digits) if digits.isdigit() else -1
    source = ip_of(host.strip("[]"))
    if source is None or port < 0:
        raise ValueError(f"{args.source!r} is not IP or IP:PORT")
    bound_host, _, bound_port = bound.rpartition(":")
    destination = ip_of(url.hostname or "") or ip_of(bound_host.strip("[]"))
    return Connection(source, port, destination, url.port or int(bound_port or 0), url.scheme == "https")


def _names_as_addresses(loaded: LoadedConfig) -> dict[tuple[str, int], list[str]]:
    """Names are not resolved; a documentation address (RFC 5737) stands for each, so that clusters compile."""
    from mosn import config

    return {(target.hostname, target.port): ["192.0.2.1"] for target in config.dns_targets(loaded)}


def _clusters(snapshot: Snapshot, loaded: LoadedConfig, weights: Iterable[tuple[str, int]]) -> list[dict[str, Any]]:
    from mosn import config

    names: dict[str, list[str]] = {}
    for target in config.dns_targets(loaded):
        names.setdefault(target.cluster, []).append(f"{target.hostname}:{target.port} (by DNS)")
    result = []
    for name, weight in weights:
        spec = snapshot["clusters"].get(name)
        hosts = [_host(host) for host in spec["hosts"] if host["health"] in ("healthy", "degraded")] if spec else []
        if spec and spec["type"] == "original_dst":
            hosts = ["the connection's original destination"]
        policy = spec["lb"]["policy"] if spec else ""
        shown = {"name": name, "weight": weight, "known": spec is not None, "policy": policy}
        result.append({**shown, "hosts": names.get(name, hosts)})
    return result


def _host(host: Any) -> str:
    priority = f", priority {host['priority']}" if host["priority"] else ""
    weight = f", weight {host['weight']}" if host["weight"] != 1 else ""
    return f"{host['address']}{weight}{priority}"


def describe(result: dict[str, Any]) -> list[str]:
    """The result for people."""
    lines = [result["request"], *_where(result), *_what(result)]
    if result["rejected"]:
        lines += ["", "did not match:", *(f"  {item['what']}: {item['why']}" for item in result["rejected"])]
    return lines


def _where(result: dict[str, Any]) -> list[str]:
    if result["listener"] is None:
        return [_line("listener", "none has this address")]
    lines = [_line("listener", f"{result['listener']['name']} ({result['listener']['address']})")]
    if result["filter_chain"] is None:
        return [*lines, _line("filter chain", "none matches: the connection is closed")]
    name = result["filter_chain"]["name"] or "(unnamed)"
    return [*lines, _line("filter chain", f"{name}, {result['filter_chain']['kind']}")]


def _what(result: dict[str, Any]) -> list[str]:
    kind = result.get("kind")
    if kind is None:
        return []
    if kind == "tcp":
        return _cluster_lines(result["clusters"])
    lines = [_line("virtual host", result["virtual_host"] or "none has this domain")]
    if result["tls_redirect"]:
        return [*lines, _line("answer", f"301 to {result['tls_redirect']} (require_tls)")]
    if kind == "none":
        text = "the route forwards nothing" if result["index"] is not None else "none matches: 404 (response flag NR)"
        return [*lines, _line("route", text)]
    lines.append(_line("route", result["route"] or f"#{result['index']}"))
    if kind == "redirect":
        return [*lines, _line("answer", f"{result['status']} to {result['location']}")]
    if kind == "direct_response":
        return [*lines, _line("answer", f"{result['status']}, a body of {len(result['body'])} bytes")]
    return [*lines, *_forwarding(result)]


def _forwarding(result: dict[str, Any]) -> list[str]:
    lines = _cluster_lines(result["clusters"])
    lines.append(_line("sent as", f"{result['path']} to host {result['host'] or '(none)'}"))
    timeout = f"{result['timeout_ms'] / 1000:g} s" if result["timeout_ms"] else "none"
    lines.append(_line("timeout", timeout))
    if result["mirrors"]:
        lines.append(_line("mirrored to", ", ".join(map(str, result["mirrors"]))))
    return lines


def _cluster_lines(clusters: list[dict[str, Any]]) -> list[str]:
    total = sum(cluster["weight"] for cluster in clusters)
    lines = []
    for cluster in clusters:
        share = f" ({100 * cluster['weight'] / total:g} %)" if len(clusters) > 1 and total else ""
        if not cluster["known"]:
            lines.append(_line("cluster", f"{cluster['name']}{share} does not exist (response flag NC)"))
            continue
        lines.append(_line("cluster", f"{cluster['name']}{share}, {cluster['policy']}"))
        lines += [_line("host", host) for host in cluster["hosts"] or ["none is healthy (response flag UH)"]]
    return lines


def _line(what: str, text: str) -> str:
    return f"  {what:<13} {text}"
