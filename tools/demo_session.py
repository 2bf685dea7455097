"""One session of the demo: upstreams in this process, the proxy as a child, everything stopped at the end.

Example: python tools/demo_session.py --once
"""

from __future__ import annotations

import asyncio
import http.client
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from demo_upstream import serve

ROOT = Path(__file__).resolve().parent.parent
MOSN = ROOT / ".venv" / "bin" / "mosn"
EXAMPLE = ROOT / "examples" / "demo.yaml"
READY_SECONDS = 30.0
STOP_SECONDS = 15.0


@dataclass(frozen=True)
class Ports:
    """The ports of examples/demo.yaml."""

    web: int = 18000
    v1: int = 18001
    tcp: int = 18002
    v2: int = 18003
    admin: int = 9901


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def choose_ports() -> Ports:
    """The example's own ports; a free one in place of each that is taken."""
    return Ports(**{name: port if is_free(port) else free_port() for name, port in vars(Ports()).items()})


def write_configuration(directory: Path, ports: Ports) -> Path:
    """The example, or a copy with other ports if it has to be."""
    if ports == Ports():
        return EXAMPLE
    chosen = {str(getattr(Ports(), name)): str(port) for name, port in vars(ports).items()}
    text = re.sub(r"(?<=port_value: )\d+", lambda found: chosen.get(found[0], found[0]), EXAMPLE.read_text())
    copy = directory / EXAMPLE.name
    copy.write_text(text)
    return copy


def is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


async def wait_until_ready(proxy: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not await asyncio.to_thread(is_ready, port):
        if proxy.poll() is not None:
            raise SystemExit(f"demo: the proxy ended with code {proxy.returncode}; its messages are above")
        if time.monotonic() > deadline:
            raise SystemExit(f"demo: the proxy was not ready after {READY_SECONDS:.0f} s; its messages are above")
        await asyncio.sleep(0.05)


def send_one_request(port: int) -> int:
    """Print one answer that came through the proxy; 0 if it was good."""
    print(f"\n$ curl -i http://127.0.0.1:{port}/hello", flush=True)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/hello", headers={"user-agent": "demo"})
    response = connection.getresponse()
    body = response.read().decode()
    print(f"HTTP/1.1 {response.status} {response.reason}")
    print("".join(f"{name}: {value}\n" for name, value in response.getheaders()))
    print(body, flush=True)
    connection.close()
    return 0 if response.status == 200 and body.startswith("hello from v1") else 1


def introduce(ports: Ports, configuration: Path, run_directory: Path) -> None:
    mosn = MOSN.relative_to(ROOT)
    shown = configuration.relative_to(ROOT) if configuration.is_relative_to(ROOT) else configuration
    print(f"""
The proxy is running with {shown}.

  HTTP   http://127.0.0.1:{ports.web}/    two versions of one small server behind it
  TCP    127.0.0.1:{ports.tcp}             the same server, byte for byte
  admin  http://127.0.0.1:{ports.admin}/     console, statistics, configuration

Try:
  curl http://127.0.0.1:{ports.web}/hello
  curl -H 'x-canary: yes' http://127.0.0.1:{ports.web}/hello      this one goes to v2
  {mosn} status --run-dir {run_directory}
""", flush=True)


def start(configuration: Path, run_directory: Path) -> subprocess.Popen[bytes]:
    """The proxy, in a process group of its own, so that Ctrl-C reaches it through stop() only."""
    command = [str(MOSN), "start", "-c", str(configuration), "--run-dir", str(run_directory)]
    return subprocess.Popen(command, cwd=ROOT, start_new_session=True)


def stop(proxy: subprocess.Popen[bytes]) -> None:
    """End the child, kindly first."""
    if proxy.poll() is not None:
        return
    proxy.send_signal(signal.SIGTERM)
    try:
        proxy.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        proxy.kill()
        proxy.wait()


async def session(once: bool, directory: Path) -> int:
    ports = choose_ports()
    configuration = write_configuration(directory, ports)
    upstreams = [await serve(ports.v1, "v1"), await serve(ports.v2, "v2")]
    run_directory = directory / "run"
    run_directory.mkdir(mode=0o700)
    proxy = start(configuration, run_directory)
    try:
        await wait_until_ready(proxy, ports.admin)
        introduce(ports, configuration, run_directory)
        if once:
            return await asyncio.to_thread(send_one_request, ports.web)
        print("The access log follows. Ctrl-C stops.", flush=True)
        await until_stopped(proxy)
        return 0
    finally:
        await asyncio.to_thread(stop, proxy)
        for upstream in upstreams:
            upstream.close()


async def until_stopped(proxy: subprocess.Popen[bytes]) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    while proxy.poll() is None:
        with suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), 1)
            print("\ndemo: stopping", flush=True)
            return
    raise SystemExit(f"demo: the proxy ended by itself, code {proxy.returncode}; its messages are above")


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="mosn-demo-") as directory:
        return asyncio.run(session("--once" in sys.argv[1:], Path(directory)))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
