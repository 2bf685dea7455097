"""A client or server of a real framework: a process that gets commands on standard input and answers each with JSON."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote


@dataclass(frozen=True)
class Answer:
    """Of one command: a value, or the exception that the framework threw."""

    value: Any = None
    error: str = ""
    text: str = ""
    code: int = 0
    ms: int = 0


class Program:
    """Context manager.  Standard error goes to `log`."""

    def __init__(self, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.log = log
        with log.open("w") as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=env
            )
        self.answers: queue.Queue[Answer | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.answers.put(Answer(**json.loads(line)))
        self.answers.put(None)

    def send(self, do: str, **options: object) -> None:
        """Begins a command; `result` waits for it.  Names with a dot are written with two underscores."""
        assert self.process.stdin
        words = {"do": do, **{name.replace("__", "."): value for name, value in options.items()}}
        line = "&".join(f"{quote(name)}={quote(str(value))}" for name, value in words.items())
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def result(self, seconds: float = 60) -> Answer:
        try:
            answer = self.answers.get(timeout=seconds)
        except queue.Empty:
            raise AssertionError(f"no answer in {seconds} s:\n{self.log.read_text()[-3000:]}") from None
        assert answer is not None, f"the program ended:\n{self.log.read_text()[-3000:]}"
        return answer

    def ask(self, do: str, **options: object) -> Answer:
        self.send(do, **options)
        return self.result()

    def value(self, do: str, **options: object) -> Any:
        answer = self.ask(do, **options)
        assert not answer.error, f"{answer}\n{self.log.read_text()[-3000:]}"
        return answer.value

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Program:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        assert self.process.stdin
        self.process.stdin.close()
