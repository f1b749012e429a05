"""The record of the wire is what the installed ccxt sends: an upgrade that changes a request fails here, in full."""

import difflib

import pytest

from connectors.ccxt_venue.capabilities import CAPABILITIES
from connectors.ccxt_venue.capabilities.shapes import Encoding, Reaches
from connectors.ccxt_venue.capabilities.wire import wire_of
from tests.capabilities.capture import first_requests, record, spelled
from tests.capabilities.record import FOLDER, text_of

VENUES = sorted(CAPABILITIES)


@pytest.mark.parametrize("venue", VENUES)
async def test_the_installed_ccxt_sends_what_was_recorded(venue: str):
    """Review the difference, mend the map and the dialect, then `python -m tests.capabilities.record`."""
    recorded = (FOLDER / f"{venue}.json").read_text()
    captured = text_of(await record(venue))

    difference = difflib.unified_diff(recorded.splitlines(), captured.splitlines(), "recorded", "captured", n=6)

    assert recorded == captured, "\n" + "\n".join(difference)


@pytest.mark.parametrize("venue", VENUES)
def test_our_id_is_where_the_map_says(venue: str):
    """Under the venue's own name, in the spelling that fits its limits."""
    one = CAPABILITIES[venue].client_id
    request = wire_of(venue).call("venue: IOC").sent[0]

    assert f"{one.field}=<id>" in request.line.replace("params.", "")
    assert one.length_max is None or len(spelled(venue)) <= one.length_max
    assert one.encoding is not Encoding.INT45 or int(spelled(venue)) < 2**45


@pytest.mark.parametrize("venue", VENUES)
def test_an_order_is_one_request(venue: str):
    """With the account's kind settled beforehand, ccxt asks nothing else on the way."""
    for name in ("venue: IOC", "venue: FOK", "venue: GTC", "venue: post-only"):
        assert len(wire_of(venue).call(name).sent) == 1, name


@pytest.mark.parametrize("venue", VENUES)
def test_each_kind_of_order_is_said_as_the_map_says(venue: str):
    """Immediate-or-cancel, fill-or-kill, resting, post-only: the very words."""
    said = CAPABILITIES[venue].kinds
    of_each = {"IOC": said.ioc, "FOK": said.fok, "GTC": said.gtc, "post-only": said.post_only}
    for name, kind in of_each.items():
        line = wire_of(venue).call(f"venue: {name}").sent[0].line
        assert kind.wire.lower() in line.lower(), name


@pytest.mark.parametrize("venue", VENUES)
def test_the_unified_id_ends_where_the_map_says(venue: str):
    """Reached, dropped for another, or left out."""
    line = wire_of(venue).call("unified: IOC").sent[0].line
    found = {
        Reaches.YES: "<id>" in line,
        Reaches.DROPPED: "<id>" not in line and "made-by-ccxt" in line,
        Reaches.OMITTED: "<id>" not in line and "made-by-ccxt" not in line,
    }

    assert found[CAPABILITIES[venue].client_id.unified]


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize(("what", "name"), [("look_up", "fetch"), ("cancel", "cancel")])
def test_ccxts_own_call_by_our_id_does_what_the_map_says(venue: str, what: str, name: str):
    """The venue's parameter with our id in it, or another one, or nothing at all."""
    one = CAPABILITIES[venue]
    call = wire_of(venue).call(f"unified: {name} by our id")
    if what == "look_up":
        reaches, ways = one.look_up.fetch_order, one.look_up.routes
    else:
        reaches, ways = one.cancel.cancel_order, (one.cancel.route,) if one.cancel.route else ()
    if reaches is Reaches.REFUSED:
        assert call.raised is not None
        assert not call.sent
        return
    line = call.sent[0].line
    understood = any(f"{way.param}=<id>" in line or f"/{way.param}" in line for way in ways)
    in_path = "<id>" in call.sent[0].path
    assert (understood or in_path) == (reaches is Reaches.YES), line


@pytest.mark.parametrize("venue", VENUES)
def test_every_way_by_our_id_carries_it(venue: str):
    """The endpoints of the map exist in this ccxt, and our id goes out in them."""
    calls = [each for each in wire_of(venue).calls if " by " in each.name and each.name.startswith("venue: ")]
    one = CAPABILITIES[venue]

    assert len(calls) == len(one.look_up.routes) + (one.cancel.route is not None)
    for call in calls:
        assert call.raised is None, call.name
        assert "<id>" in call.sent[0].line, call.name


@pytest.mark.parametrize("venue", VENUES)
def test_streams_and_test_networks_are_what_this_ccxt_has(venue: str):
    """The map's channels, batch, amend and testnet against ccxt's own words for them."""
    one, has = CAPABILITIES[venue], wire_of(venue).has

    assert one.channels.orders == bool(has["watchOrders"])
    assert one.channels.trades == bool(has["watchMyTrades"])
    assert one.channels.balances == bool(has["watchBalance"])
    assert (one.amend is None) == (has["editOrder"] == "emulated")
    assert (one.batch_max is None) == (not wire_of(venue).call("unified: several orders").sent)
    assert ("TypeError" in one.testnet) == (has["set_sandbox_mode"] == "TypeError")


@pytest.mark.parametrize("venue", ["bitget", "gate", "htx", "kucoin"])
async def test_left_to_itself_ccxt_asks_first(venue: str):
    """Which is why the dialects settle the account's kind in their options."""
    assert await first_requests(venue)
