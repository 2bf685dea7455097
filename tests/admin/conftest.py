"""A box and an admin on it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

import aiohttp
import pytest

from tests.admin.box import Box, Served


class Answer(NamedTuple):
    status: int
    headers: Any
    text: str


class Client:
    """Asks an admin that runs in a loop of its own."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._served = Served(box)
        self.address = self._run(self._served.__aenter__())

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None) -> Answer:
        async def go() -> Answer:
            async with aiohttp.ClientSession() as session:
                url = aiohttp.client.URL(f"http://{self.address}{path}", encoded=True)
                async with session.request(method, url, headers=headers) as response:
                    return Answer(response.status, response.headers, await response.text())

        answer: Answer = self._run(go())
        return answer

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers)

    def post(self, path: str, **headers: str) -> Answer:
        return self.ask("POST", path, headers)

    def close(self) -> None:
        self._run(self._served.__aexit__())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


@pytest.fixture
def box() -> Iterator[Box]:
    box = Box()
    yield box
    box.close()


@pytest.fixture
def admin(box: Box) -> Iterator[Client]:
    client = Client(box)
    yield client
    client.close()


def tree(admin: Client, path: str) -> Any:
    answer = admin.get(path)
    assert answer.status == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    return json.loads(answer.text)


def stats(admin: Client, query: str = "") -> dict[str, str]:
    return dict(line.split(": ", 1) for line in admin.get(f"/stats{query}").text.splitlines())
