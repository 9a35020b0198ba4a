"""`python -m hfci`: the same command line as `hfci`."""

import sys

from hfci.cli import main

if __name__ == "__main__":
    sys.exit(main())
