"""`python -m router.cli`: the same as `sor`."""

from router.cli import main

main()
