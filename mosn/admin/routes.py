"""Every page of the admin.  A new one is a line here."""

from __future__ import annotations

from typing import Literal, NamedTuple

from aiohttp import web
from aiohttp.typedefs import Handler

from mosn.admin import changing, console, looking
from mosn.admin.answers import text


class Page(NamedTuple):
    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    about: str
    parameters: tuple[tuple[str, str], ...] = ()


_FILTER = ("filter", "Regular expression that is searched for in the names")
_STATS_PARAMETERS = (
    ("usedonly", "Only statistics that are not zero"),
    _FILTER,
    ("invert_filter", "The names that the filter does not find"),
    ("type", "One of (All, Counters, Histograms, Gauges, TextReadouts)"),
)
_FORMAT = ("format", "One of (text, json)")


async def help_page(request: web.Request) -> web.Response:
    return text(help_text())


def help_text() -> str:
    """As Envoy's /help."""
    lines = ["admin commands are:\n"]
    for page in sorted(PAGES, key=lambda page: (page.path, page.method)):
        note = " (POST)" if page.method == "POST" else ""
        lines.append(f"  {page.path}{note}: {page.about}\n")
        lines += [f"      {name}: {about}\n" for name, about in page.parameters]
    return "".join(lines)


PAGES: tuple[Page, ...] = (
    Page("GET", "/", console.page, "Console for people: what runs and how it goes"),
    Page("GET", "/certs", looking.certs, "print certs on machine"),
    Page("GET", "/clusters", looking.clusters, "upstream cluster status", (_FILTER, _FORMAT)),
    Page("GET", "/config_dump", looking.dump, "dump the configuration that runs, secrets masked", (
        ("resource", "The list to dump, e.g. static_clusters"),
        ("mask", "Only these fields of each element (or, without a resource, of each section)"),
        ("name_regex", "Only entries whose names match"),
    )),
    Page("GET", "/help", help_page, "print out list of admin commands"),
    Page("GET", "/hot_restart_version", looking.hot_restart_version, "print the hot restart compatibility version"),
    Page("GET", "/listeners", looking.listeners, "print listener info", (_FORMAT,)),
    Page("GET", "/logging", changing.logging_levels, "query logging levels"),
    Page("GET", "/memory", looking.memory, "print memory usage of all processes"),
    Page("GET", "/overview", looking.overview_page, "the numbers behind the console and mosn top, as JSON"),
    Page("GET", "/quota", looking.quota, "quotas and what is left of them"),
    Page("GET", "/ready", looking.ready, "print server state, return 200 if LIVE, otherwise return 503"),
    Page("GET", "/runtime", looking.runtime, "print runtime values"),
    Page("GET", "/server_info", looking.server_info, "print server version/status information"),
    Page("GET", "/stats", looking.stats, "print server stats", (
        *_STATS_PARAMETERS,
        ("format", "One of (text, json, prometheus)"),
        ("histogram_buckets", "One of (cumulative, disjoint, detailed, summary)"),
    )),
    Page("GET", "/stats/prometheus", looking.stats_prometheus, "print server stats in prometheus format", (
        *_STATS_PARAMETERS, ("histogram_buckets", "One of (cumulative, summary)"),
    )),
    Page("GET", "/workers", looking.workers, "worker processes", (("format", "One of (json, text)"),)),
    Page("POST", "/drain_listeners", changing.drain_listeners, "drain listeners", (
        ("graceful", "Let requests end first"), ("inboundonly", "Only inbound listeners"),
    )),
    Page("POST", "/healthcheck/fail", changing.healthcheck_fail, "cause the server to fail health checks"),
    Page("POST", "/healthcheck/ok", changing.healthcheck_ok, "cause the server to pass health checks"),
    Page("POST", "/logging", changing.change_logging, "change logging levels", (
        ("level", "For all loggers; one of (trace, debug, info, warning, error, critical, off)"),
        ("paths", "For some: name1:level1,name2:level2"),
        ("NAME", "For the logger of that name"),
    )),
    Page("POST", "/quitquitquit", changing.quit_process, "exit the server"),
    Page("POST", "/reload", changing.reload, "check the configuration file and take it; prints the result as JSON"),
    Page("POST", "/reopen_logs", changing.reopen_logs, "reopen access logs"),
    Page("POST", "/reset_counters", changing.reset_counters, "reset all counters to zero"),
    Page("POST", "/upgrade", changing.upgrade, "replace the program by the version that is installed now"),
)  # fmt: skip
