"""nginx: the stock package, one worker, keep-alive upstreams, no access log. RPC passes at layer 4."""

from __future__ import annotations

import os
import resource
from pathlib import Path

from bench.peers.base import BACKLOG, MOST_CONNECTIONS, PATIENCE, POOL, UNENDING, PeerDefaults, Setup
from bench.peers.install.apt import find_program

STREAM_MODULE = Path("/usr/lib/nginx/modules/ngx_stream_module.so")

HTTP = """\
http {{
    access_log off;
    tcp_nodelay on;
    keepalive_timeout {patience}s;
    keepalive_requests {unending};
    client_body_temp_path {directory}/client;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $host;
    proxy_max_temp_file_size 0;
{buffers}
{upstreams}
    server {{
        listen 127.0.0.1:{port} backlog={backlog}{protocol};
{tls}{locations}
    }}
}}
"""

UPSTREAM = """\
    upstream {name} {{
        server 127.0.0.1:{backend_port} max_conns={most};
        keepalive {pool};
        keepalive_requests {unending};
        keepalive_timeout {patience}s;
    }}
"""

STREAM = """\
stream {{
    tcp_nodelay on;
{buffers}
    proxy_timeout {patience}s;
    upstream service-0 {{
        server 127.0.0.1:{backend_port} max_conns={most};
    }}
    server {{
        listen 127.0.0.1:{port} backlog={backlog};
        proxy_pass service-0;
    }}
}}
"""

# The stock sizes cost a third more CPU with bodies of 64 KiB.
BULK_HTTP_BUFFERS = "    proxy_buffer_size 80k;\n    proxy_buffers 4 80k;\n    proxy_busy_buffers_size 80k;"
BULK_STREAM_BUFFERS = "    proxy_buffer_size 64k;"

TLS = """\
        ssl_certificate {directory}/cert.pem;
        ssl_certificate_key {directory}/key.pem;
        ssl_protocols TLSv1.3;
"""


class Nginx(PeerDefaults):
    """Whole-proxy figures include its master process, which is idle."""

    name = "nginx"

    def absent(self) -> str | None:
        """Present when the program is; TCP also needs the stream module."""
        if find_program("nginx") and STREAM_MODULE.exists():
            return None
        return "no nginx with its stream module; run python -m bench.peers.install --only nginx"

    def configure(self, setup: Setup) -> Path:
        """Write nginx.conf."""
        values = {
            "directory": setup.directory,
            "port": setup.port,
            "backend_port": setup.backend_port,
            "most": MOST_CONNECTIONS,
            "pool": POOL,
            "patience": PATIENCE,
            "unending": UNENDING,
            "backlog": BACKLOG,
            "buffers": "",
            "protocol": (" http2" if setup.protocol == "http2" else "") + (" ssl" if setup.certificate else ""),
            "tls": TLS.format(directory=setup.certificate) if setup.certificate else "",
        }
        if setup.bulk:
            values["buffers"] = BULK_HTTP_BUFFERS if setup.http else BULK_STREAM_BUFFERS
        main = [
            "daemon off;",
            f"worker_processes {setup.workers};",
            f"pid {setup.directory}/nginx.pid;",
            f"error_log {setup.directory}/error.log error;",
            f"worker_rlimit_nofile {resource.getrlimit(resource.RLIMIT_NOFILE)[0]};",
            f"events {{ worker_connections {MOST_CONNECTIONS}; }}",
        ]
        if os.geteuid() == 0:
            main.insert(0, "user root;")
        if not setup.http:
            main.insert(0, f"load_module {STREAM_MODULE};")
            body = STREAM.format(**values)
        else:
            # Only grpc_pass speaks HTTP/2 to an upstream.
            passing = "grpc_pass grpc://" if setup.protocol == "http2" else "proxy_pass http://"
            body = HTTP.format(
                **values,
                upstreams="".join(UPSTREAM.format(name=name, **values) for name in setup.cluster_names()),
                locations="".join(
                    f"        location {setup.prefix_of(name)} {{ {passing}{name}; }}\n"
                    for name in setup.cluster_names()
                ),
            )
        path = setup.directory / "nginx.conf"
        path.write_text("\n".join(main) + "\n" + body)
        return path

    def command(self, configuration: Path, setup: Setup) -> list[str]:
        """In the foreground, errors to the setup's directory from the first line on."""
        return [find_program("nginx") or "nginx", "-e", f"{setup.directory}/error.log", "-c", str(configuration)]

    def check_command(self, configuration: Path, setup: Setup) -> list[str]:
        """`nginx -t`."""
        return [*self.command(configuration, setup), "-t"]
