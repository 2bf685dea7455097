"""The command line.  A command is a module here with `add_parser(subparsers)` and `run(args) -> int`, and one line in
COMMANDS.  Only the module of the command that is used is imported."""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn


class Command:
    """`module` is below mosn.cli; `line` is what `mosn --help` says."""

    def __init__(self, module: str, line: str) -> None:
        self.module = module
        self.line = line


COMMANDS = {
    "start": Command("start", "run in the foreground"),
    "check": Command("check", "find everything that is wrong with a configuration"),
    "reload": Command("reload", "check the configuration again and run it"),
    "upgrade": Command("upgrade", "replace the running program (not in this version yet)"),
    "drain": Command("drain", "take no new connections, end the open ones politely, then stop"),
    "stop": Command("stop", "stop after a short drain"),
    "status": Command("status", "say what runs and how it is"),
    "top": Command("top", "watch the running proxy"),
    "route": Command("route", "say which route, cluster and host a request would get, and why"),
    "convert": Command("convert", "MOSN JSON to an Envoy bootstrap"),
    "explain": Command("explain", "explain a finding's code, a response flag or a metric"),
    "version": Command("version", "say what this program is made of"),
}

ALIASES = {"-t": "check", "-v": "version", "-V": "version", "--version": "version"}

EPILOG = """examples:
  mosn check -c mosn.yaml
  mosn start -c mosn.yaml
  mosn status

signals to the running program:
  TERM, INT  stop after a short drain (again: at once)    HUP   reload
  QUIT       drain, then stop                             USR1  reopen logs

exit codes: 0 done, 1 did not happen, 2 wrong configuration or usage
"""


def main(argv: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    if words:
        words[0] = ALIASES.get(words[0], words[0])
    parser = _parser(words[0] if words else "")
    if not words:
        parser.print_help()
        return 2
    args = parser.parse_args(words)
    try:
        return int(args.run(args))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has enough; keep the interpreter's last flush quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


class _Parser(argparse.ArgumentParser):
    """Says what was probably meant."""

    def error(self, message: str) -> NoReturn:
        words = message.split("'")
        if "invalid choice" in message and len(words) > 1:
            near = [name for name in COMMANDS if words[1] and name.startswith(words[1])]
            near += difflib.get_close_matches(words[1], COMMANDS, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            message = f"no command {words[1]!r}{hint}; `mosn --help` lists them"
        super().error(message)


def _parser(word: str) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="mosn",
        description="A service-mesh sidecar that runs Envoy and MOSN configurations.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subparsers = parser.add_subparsers(dest="command", title="commands", required=True, parser_class=_Parser)
    if word in COMMANDS:
        module = importlib.import_module(f"mosn.cli.{COMMANDS[word].module}")
        module.add_parser(subparsers)
        parser.set_defaults(run=module.run)
        return parser
    for name, command in COMMANDS.items():
        subparsers.add_parser(name, help=command.line)
    return parser
