"""`mosn convert`: a MOSN configuration as an Envoy bootstrap, with what could not be carried over."""

from __future__ import annotations

import argparse
import sys

_EPILOG = """\
The YAML goes to standard output (or --output), findings to standard error; their places are those of the MOSN file.
An Envoy bootstrap is written in normal form.  Exit code: 0 converted, 2 something essential could not be.

example:
  mosn convert mosn_config.json > envoy.yaml
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "convert",
        help="MOSN JSON to an Envoy bootstrap",
        description="Write a MOSN configuration as an Envoy bootstrap, and say what could not be carried over.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", help="MOSN configuration")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the YAML here instead of standard output")


def run(args: argparse.Namespace) -> int:
    from mosn import config

    loaded = config.load_file(args.file)
    for finding in loaded.findings:
        print(finding, file=sys.stderr)
    text = config.to_yaml(loaded)
    if args.output:
        try:
            with open(args.output, "w", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            print(f"{args.output}: cannot write: {error.strerror}", file=sys.stderr)
            return 2
    else:
        sys.stdout.write(text)
    return 2 if loaded.errors else 0
