"""`python -m bench.load serve | load | hold`."""

import sys

from bench.load.process import main

if __name__ == "__main__":
    sys.exit(main())
