"""`python -m connectors.lab`: a lab with one venue of every protocol, until stopped."""

import argparse
import asyncio
import logging
import sys

from connectors.lab.process import run_lab, standard_settings
from connectors.lab.tapes import find_tapes
from router.model.errors import BadInput


def main() -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m connectors.lab", description=__doc__)
    parser.add_argument("--port", type=int, default=8700, help="control surface; venues follow on the next ports")
    parser.add_argument("--seed", type=int, default=7, help="of the order flow")
    parser.add_argument("--static", action="store_true", help="books only as set through the control surface")
    parser.add_argument("--tapes", metavar="DIR", help="play the recorded markets in DIR")
    parser.add_argument("--speed", type=float, default=1.0, help="of the tapes; 1 is as recorded")
    parser.add_argument("--read-lag-ms", type=int, default=0, help="how long orders stay invisible to look-ups")
    options = parser.parse_args()
    folder = find_tapes(options.tapes) if options.tapes else None
    if options.tapes and folder is None:
        parser.error(f"--tapes: the three recordings are not in {options.tapes}")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    settings = standard_settings(
        port=options.port,
        seed=options.seed,
        static=options.static,
        tapes=folder,
        speed=options.speed,
        read_lag_ms=options.read_lag_ms,
    )
    try:
        asyncio.run(run_lab(settings))
    except BadInput as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
