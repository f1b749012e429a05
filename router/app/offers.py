"""What an order may ask for in a configuration."""

from router.config import Config
from router.requests import Offered


def offered(config: Config) -> Offered:
    """Its instruments and venues."""
    return Offered(
        instruments=tuple(one.id for one in config.instruments),
        venues=frozenset(venue.venue for venue in config.venues),
        accounts=frozenset(venue.account for venue in config.venues),
    )
