"""`python -m mosn`, the same program as the `mosn` command."""

from __future__ import annotations

import sys

from mosn.cli import main

if __name__ == "__main__":
    sys.exit(main())
