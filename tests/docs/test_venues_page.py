"""The page about the venues is what the map says today."""

from connectors.ccxt_venue.capabilities import CAPABILITIES
from tests.docs import venues


def test_the_page_is_written_from_the_map():
    """After a change of the map or of ccxt: `python -m tests.docs.venues`."""
    assert venues.PAGE.read_text() == venues.page()


def test_every_venue_shows_its_tier_and_its_bounds():
    """A reader sees at once what a venue is worth."""
    page = venues.page()
    for name, one in CAPABILITIES.items():
        section = page.split(f"## {name}\n")[1].split("\n## ")[0]
        assert f"Tier {one.tier.value}" in section
        assert f"children at once: {one.outstanding_max or 'no bound'}" in section
