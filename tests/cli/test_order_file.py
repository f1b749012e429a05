"""An order file is taken as it was meant, or refused with a sentence; nothing in between."""

import json
import string
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.cli.order_file import read_order
from router.model.errors import BadInput
from router.requests import OrderBody
from router.requests.bodies import parse
from router.requests.documents import fields

GOOD = {"ref_id": "r1", "instrument": "BTC/USD", "side": "BUY", "base_quantity": "5"}


def test_a_good_file_is_read(tmp_path: Path):
    """The example of the README."""
    path = tmp_path / "order.json"
    path.write_text(json.dumps(GOOD, indent=2))

    assert read_order(path).quantity == Decimal(5)


def test_a_missing_file_is_named(tmp_path: Path):
    """By its path, without a traceback."""
    with pytest.raises(BadInput, match=r"nowhere\.json cannot be read"):
        read_order(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (b"", "order"),
        (b"[]", "order"),
        (b"{", "order"),
        (b'{"a": NaN}', "order"),
        (b'{"side": "BUY", "side": "SELL"}', "side"),
        (b"[" * 60_000, "order"),
        (b'{"a":' * 20 + b"1" + b"}" * 20, "order"),
        (b"\xff\xfe", "order"),
        (b" " * 70_000, "order"),
    ],
)
def test_a_text_that_is_no_order_is_refused(text: bytes, field: str):
    """Whatever a file may hold, the sentence has one line and names the field."""
    with pytest.raises(BadInput) as caught:
        fields(text)

    assert caught.value.field == field
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", ["1e3", "+1", " 1", "1\n", "1_000", "１", "1234567890123", 5, 5.5, True])  # noqa: RUF001
def test_only_plain_digits_are_an_amount(value: object):
    """Anything Python would also take for a number is refused here."""
    with pytest.raises(BadInput) as caught:
        parse(OrderBody, GOOD | {"base_quantity": value})

    assert caught.value.field == "base_quantity"


@given(st.text(alphabet=string.printable + "٣½Ⅷ", max_size=30))
def test_no_text_becomes_a_strange_amount(text: str):
    """Either plain digits that mean what they say, or a refusal."""
    try:
        body = parse(OrderBody, GOOD | {"base_quantity": text})
    except BadInput:
        return
    assert text.isascii()
    assert body.quantity.is_finite()
    assert body.quantity == Decimal(text)
