"""Build it and start it: the only place where all parts meet."""

import sys

if not __debug__:  # pragma: no cover - the assertions are part of the product
    sys.exit("the router does not run under python -O: its assertions stay on")
