"""A certificate for the rows with TLS: P-256, self-signed, made anew for each proxy."""

from __future__ import annotations

import subprocess
from pathlib import Path


def issue(directory: Path) -> Path:
    """Write cert.pem, key.pem and, as HAProxy wants it, both.pem; return where."""
    key, certificate = directory / "key.pem", directory / "cert.pem"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    names = ["-subj", "/CN=bench.local", "-addext", "subjectAltName=DNS:bench.local"]
    command = ["openssl", "req", "-x509", *curve, *files, *names, "-days", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"no certificate could be made; is openssl installed? It said: {done.stderr[-500:]}")
    (directory / "both.pem").write_text(certificate.read_text() + key.read_text())
    return directory
