"""HAProxy: the stock package, one thread, connections to servers reused always, no log. RPC passes at layer 4."""

from __future__ import annotations

import resource
from pathlib import Path

from bench.peers.base import BACKLOG, MOST_CONNECTIONS, PATIENCE, PeerDefaults, Setup
from bench.peers.install.apt import find_program

TEMPLATE = """\
global
    nbthread {workers}
    maxconn {most}
    # By default it insists on two descriptors a connection, though idle ones hold no server connection.
    no strict-limits
    ulimit-n {descriptors}

defaults
    mode {mode}
    timeout connect 5s
    timeout client {patience}s
    timeout server {patience}s
{options}
frontend bench
    bind 127.0.0.1:{port} backlog {backlog}{protocol}{tls}
{routes}    default_backend service-0

"""

BACKEND = """\
backend {name}
    server one 127.0.0.1:{backend_port} maxconn {most}{pool}{protocol}
"""

REUSE = "    option http-keep-alive\n    http-reuse always\n"
# Cheaper than any buffer size with bodies of 64 KiB; `option splice-auto` did not choose it.
SPLICE = "    option splice-request\n    option splice-response\n"


class HAProxy(PeerDefaults):
    """One process; threads stand for workers."""

    name = "haproxy"

    def absent(self) -> str | None:
        """Present when the program is."""
        if find_program("haproxy"):
            return None
        return "no haproxy; run python -m bench.peers.install --only haproxy"

    def configure(self, setup: Setup) -> Path:
        """Write haproxy.cfg."""
        http = setup.http
        values: dict[str, object] = {"backend_port": setup.backend_port, "most": MOST_CONNECTIONS}
        values["protocol"] = " proto h2" if setup.protocol == "http2" else ""
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        names = setup.cluster_names()
        text = TEMPLATE.format(
            workers=setup.workers,
            descriptors=descriptors,
            tls=f" ssl crt {setup.certificate}/both.pem ssl-min-ver TLSv1.3" if setup.certificate else "",
            mode="http" if http else "tcp",
            options=(REUSE if http else "") + (SPLICE if setup.bulk else ""),
            patience=PATIENCE,
            port=setup.port,
            backlog=BACKLOG,
            routes="".join(
                f"    use_backend {name} if {{ path_beg {setup.prefix_of(name)} }}\n" for name in names[:-1]
            ),
            **values,
        )
        pool = " pool-max-conn -1" if http else ""
        text += "".join(BACKEND.format(name=name, pool=pool, **values) for name in names)
        path = setup.directory / "haproxy.cfg"
        path.write_text(text)
        return path

    def command(self, configuration: Path, setup: Setup) -> list[str]:
        """In the foreground (-db)."""
        return [find_program("haproxy") or "haproxy", "-db", "-f", str(configuration)]

    def check_command(self, configuration: Path, setup: Setup) -> list[str]:
        """`haproxy -c`."""
        return [find_program("haproxy") or "haproxy", "-c", "-f", str(configuration)]
