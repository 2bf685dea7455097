"""The pages that change something; all are POST."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from mosn.admin.answers import as_json, text
from mosn.admin.context import CommandFailed
from mosn.admin.desk import bad_request, desk_of, parameters

LEVELS = ("trace", "debug", "info", "warning", "error", "critical", "off")

USAGE = (
    "\nusage: /logging?<name>=<level> (change single level)"
    "\nusage: /logging?paths=name1:level1,name2:level2,... (change multiple levels)"
    "\nusage: /logging?level=<level> (change all levels)"
    f"\nlevels: {' '.join(LEVELS)}\n"
)

OK = "OK\n"


async def command(request: web.Request, what: str, /, **args: Any) -> dict[str, Any]:
    """Run a command of the controller's.  A failure becomes an answer with its text."""
    try:
        return await desk_of(request).context.command(what, **args)
    except CommandFailed as error:
        kind = web.HTTPBadRequest if error.caller else web.HTTPInternalServerError
        raise kind(text=f"{error.message}\n") from error


async def healthcheck_fail(request: web.Request) -> web.Response:
    await command(request, "healthcheck_fail")
    return text(OK)


async def healthcheck_ok(request: web.Request) -> web.Response:
    await command(request, "healthcheck_ok")
    return text(OK)


async def drain_listeners(request: web.Request) -> web.Response:
    query = parameters(request)
    if "skip_exit" in query:
        raise bad_request("skip_exit is not supported\n")
    await command(request, "drain_listeners", graceful="graceful" in query, inbound_only="inboundonly" in query)
    return text(OK)


async def reset_counters(request: web.Request) -> web.Response:
    desk_of(request).context.segment.reset_counters()
    return text(OK)


async def quit_process(request: web.Request) -> web.Response:
    await command(request, "quit")
    return text(OK)


async def reopen_logs(request: web.Request) -> web.Response:
    await command(request, "reopen_logs")
    return text(OK)


async def reload(request: web.Request) -> web.Response:
    """The result as JSON; 400 with the findings when the configuration is at fault."""
    try:
        result = await desk_of(request).context.command("reload")
    except CommandFailed as error:
        status = 400 if error.caller else 500
        return as_json({"ok": False, "error": error.message, "findings": error.findings}, status=status)
    return as_json({"ok": True, **result})


async def upgrade(request: web.Request) -> web.Response:
    try:
        result = await desk_of(request).context.command("upgrade")
    except CommandFailed as error:
        return text(f"{error.message}\n", status=501)
    return as_json({"ok": True, **result})


async def logging_levels(request: web.Request) -> web.Response:
    """GET shows (Envoy wants a POST for that, too, and that works as well)."""
    return text(levels_text(desk_of(request).context.log_levels))


def levels_text(levels: Any) -> str:
    return "active loggers:\n" + "".join(f"  {name}: {level}\n" for name, level in sorted(levels.items()))


async def change_logging(request: web.Request) -> web.Response:
    levels = desk_of(request).context.log_levels
    for name, level in wanted_levels(parameters(request)):
        if level not in LEVELS:
            raise bad_request(f"error: unknown logger level\n{USAGE}{levels_text(levels)}")
        if name and name not in levels:
            raise bad_request(f"error: unknown logger name\n{USAGE}{levels_text(levels)}")
        await command(request, "logging", level=level, **({"name": name} if name not in ("", "root") else {}))
    return await logging_levels(request)


def wanted_levels(query: dict[str, str]) -> list[tuple[str, str]]:
    """(logger, level) pairs; logger "" is all of them.  Raises HTTPBadRequest."""
    if len(query) > 1:
        raise bad_request(f"error: invalid number of parameters\n{USAGE}")
    for name, value in query.items():
        if name == "level":
            return [("", value)]
        if name == "paths":
            pairs = [pair.rpartition(":") for pair in value.split(",")]
            return [(logger, level) for logger, _, level in pairs]
        return [(name, value)]
    return []
