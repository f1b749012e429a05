"""Ids survive the venue's spelling, and no foreign id is taken for ours."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from connectors.ccxt_venue.codec import as_hex, as_uuid, from_hex, from_uuid
from connectors.ccxt_venue.registry import DIALECTS
from router.model.ids import ClientOrderId

ids = st.integers(min_value=0, max_value=2**128 - 1).map(lambda number: ClientOrderId(f"{number:032x}"))


@given(ids)
def test_every_encoding_has_its_inverse(client_id):
    assert from_hex(as_hex(client_id)) == client_id
    assert from_uuid(as_uuid(client_id)) == client_id
    assert UUID(as_uuid(client_id)).hex == client_id


@given(st.one_of(st.none(), st.text(max_size=40)))
def test_foreign_ids_decode_to_nothing_or_to_the_text_itself(text):
    """What decodes must encode back to the very text: no two spellings of one id."""
    for encode, decode in ((as_hex, from_hex), (as_uuid, from_uuid)):
        decoded = decode(text)
        assert decoded is None or encode(decoded) == text


def test_ids_other_software_makes_are_foreign():
    for text in ("x-TKT5PX2Fabc", "web_123", "ccxt-3f0c", "0", "", "3F0C6CE1-9B0A-8000-8000-000000000000"):
        assert from_hex(text) is None
        assert from_uuid(text) is None


def test_each_venue_takes_the_encoding_in_its_limits():
    client_id = ClientOrderId("ab12" + "0" * 8 + "8" + "1" * 3 + "a" + "2" * 15)
    spelled = {name: make().encode_id(client_id) for name, make in DIALECTS.items()}
    assert spelled["binance"] == client_id  # <= 36 of [a-zA-Z0-9-_]
    assert spelled["bitstamp"] == client_id  # any string
    assert spelled["gemini"] == client_id  # <= 36 of [:\-_.#a-zA-Z0-9]
    assert spelled["bybit"] == client_id  # <= 36 of [A-Za-z0-9_-]
    assert spelled["okx"] == client_id  # <= 32 letters and digits
    assert spelled["kraken"] == spelled["coinbase"] == as_uuid(client_id)
