"""The command `sor`."""

import sys

from router.whose import DISTRIBUTION, intruder


def main() -> None:
    """Start `sor`, unless the packages it is made of are not what was installed."""
    if not __debug__:
        sys.exit("sor refuses to run under `python -O`: its assertions are part of it")
    overwritten = intruder()
    if overwritten is not None:
        sys.stderr.write(
            f"{overwritten} was overwritten by another distribution that also brings a package called `router`. "
            f"Give {DISTRIBUTION} a virtual environment of its own.\n"
        )
        sys.exit(2)
    from router.cli.commands import app  # noqa: PLC0415  (heavy imports only once the above has held)

    app()
