"""`mosn check`: every finding in a configuration, before any traffic sees it."""

from __future__ import annotations

import argparse
import json
import sys

EXIT_GOOD, EXIT_WARNINGS, EXIT_ERRORS = 0, 1, 2

_EPILOG = """\
exit code: 0 good, 1 warnings (only with --strict), 2 errors

example:
  mosn check -c envoy.yaml
  envoy.yaml:12:7 MC0101 static_resources.clusters[0].conect_timeout: envoy.config.cluster.v3.Cluster has no such field
  (did you mean "connect_timeout"?)
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "check",
        help="check a configuration file and print every finding",
        description="Load a configuration as `mosn start` would and print every finding, without touching traffic.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-c", "--config", metavar="FILE", required=True, help="Envoy bootstrap or MOSN configuration")
    parser.add_argument("--json", action="store_true", help="findings as one JSON array")
    parser.add_argument("--strict", action="store_true", help="exit 1 when there are warnings")
    parser.add_argument("-q", "--quiet", action="store_true", help="leave notes out")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from mosn import config

    loaded = config.load_file(args.config)
    findings = [finding for finding in loaded.findings if not (args.quiet and finding.severity == "note")]
    if args.json:
        print(json.dumps([finding.as_dict() for finding in findings], ensure_ascii=False, indent=2))
    else:
        for finding in findings:
            print(finding)
        errors, warnings = len(loaded.errors), len(loaded.warnings)
        print(f"{args.config}: {_verdict(errors, warnings)}", file=sys.stderr)
    if loaded.errors:
        return EXIT_ERRORS
    return EXIT_WARNINGS if args.strict and loaded.warnings else EXIT_GOOD


def _verdict(errors: int, warnings: int) -> str:
    if not errors and not warnings:
        return "good"
    counts = [(errors, "error"), (warnings, "warning")]
    return ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts if count)
