"""The console: small, self-contained, and alive in a real browser."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mosn.admin.console import POLICY, console_html
from mosn.admin.overview import CAUSES
from tests.admin.box import CONFIG, Box
from tests.admin.conftest import Client

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)

VIRTUAL_MS = 10_000
"""Time that passes in the browser, five looks at the numbers; it does not take as long."""


def test_the_page_is_small_and_fetches_nothing_from_elsewhere(admin: Client) -> None:
    answer = admin.get("/")
    assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert len(answer.text.encode()) < 100_000
    links = re.findall(r"""(?:src|href)\s*=\s*["']([^"']*)""", answer.text) + re.findall(r"fetch\(.(\w+)", answer.text)
    assert links and all(re.match(r"[a-z_]+(/[a-z]+)?$|data:image", link) for link in links), links
    assert "import" not in answer.text and "innerHTML" not in answer.text


def test_every_link_leads_to_a_page(admin: Client) -> None:
    for link in re.findall(r'<a href="([^"]+)"', console_html().decode()):
        assert admin.get(f"/{link}").status == 200, link


def test_every_cause_has_a_meaning() -> None:
    text = console_html().decode()
    block = text[text.index("const CAUSES") : text.index("};", text.index("const CAUSES"))]
    assert set(re.findall(r"\b([A-Z]{2,6}):", block)) == {flag for flag, _, _ in CAUSES}


@pytest.mark.peer
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
def test_a_browser_shows_the_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    click = "setTimeout(() => document.querySelector('button.link').click(), 3000);"
    clicking = console_html().replace(b"</script>", click.encode() + b"</script>")
    monkeypatch.setattr("mosn.admin.console.console_html", lambda: clicking)
    name = "<img src=x onerror=alert(1)>"
    box = Box(CONFIG.replace(": backend", f": '{name}'"))
    admin = Client(box)
    try:
        box.count("http.ingress", "downstream_rq_total", 4321)
        box.count("http.ingress", "downstream_rq_2xx", 4300)
        box.count("http.ingress", "no_route", 21)
        box.gauge("http.ingress", "downstream_cx_active", 17)
        box.count(f"cluster.{name}", "upstream_rq_total", 4300)
        box.changes = [{"time": 0.0, "kind": "reload", "text": "no such cluster <b>", "ok": False}]
        dom, messages = browse(f"http://{admin.address}/", tmp_path)
    finally:
        admin.close()
        box.close()
    text = re.sub(r"<script>.*?</script>|<style>.*?</style>", "", dom, flags=re.DOTALL)
    for words in (
        ">LIVE<",
        ">4,300<",
        "no route matched",
        ">17<",
        "127.0.0.1:18080",
        "no such cluster &lt;b&gt;",
        ">dns<",
    ):
        assert words in text, words
    assert "&lt;img src=x" in text and "<img" not in text, "names are text, never markup"
    assert "<polyline" in text, "the connections have been drawn more than once"
    assert 'class="lost"' not in dom
    assert not [line for line in messages.splitlines() if "CONSOLE" in line], messages


def browse(url: str, profile: Path) -> tuple[str, str]:
    """The page after VIRTUAL_MS, and what the browser had to say about it."""
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
               "--enable-logging=stderr", f"--virtual-time-budget={VIRTUAL_MS}", "--dump-dom", url]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout, done.stderr
