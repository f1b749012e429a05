"""`sor drill`: a row ends as it should, the judge sees what is wrong, and docs/COMPARE.md is what was seen."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from router.drill.judge import Told, Truth, Word, judge
from router.drill.page import COUNTS, SUBJECTS, cell, heading
from router.drill.play import Case, play
from router.drill.rows import NAMES, ROWS
from router.drill.run import SEATS, USUAL, cases_of, rows_named, run
from router.drill.subjects import SUBJECTS as COMMANDS
from router.model.errors import BadInput

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "COMPARE.md"
WANTED, LIMIT = Decimal("0.4"), Decimal(60_600)


def _order(client_id: str = "a", status: str = "FILLED") -> dict[str, Any]:
    return {"client_id": client_id, "status": status}


def _trade(quantity: str = "0.4", price: str = "60010") -> dict[str, Any]:
    return {"quantity": quantity, "price": price}


SOUND = Truth(orders=[_order()], trades=[_trade()])
ALL = Told(filled=WANTED)


@pytest.mark.parametrize(
    ("truth", "told", "breach"),
    [
        (Truth(orders=[_order(), _order("b")], trades=[_trade(), _trade()]), Told(filled=Decimal("0.8")), "over"),
        (Truth(orders=[_order(), _order()], trades=[_trade()]), ALL, "under one id"),
        (Truth(orders=[_order()], trades=[_trade(price="60601")]), ALL, "beyond"),
        (Truth(orders=[_order(status="OPEN")], trades=[_trade()]), ALL, "left open"),
        (Truth(orders=[_order()], trades=[_trade()], redirects_followed=1), ALL, "redirect"),
        (SOUND, None, "no end"),
        (SOUND, Told(filled=Decimal(0)), "says 0"),
        (SOUND, Told(filled=None), "says nothing"),
        (Truth(orders=[], trades=[]), ALL, "says 0.4"),
        (Truth(orders=[], trades=[]), Told(filled=WANTED, unknown=True), "says 0.4"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_a_breach(truth: Truth, told: Told | None, breach: str) -> None:
    """One thing at a time, and the sentence names it."""
    verdict = judge(truth, told, wanted=WANTED, limit=LIMIT)
    assert verdict.word is Word.BREACH
    assert any(breach in said for said in verdict.breaches)


@pytest.mark.parametrize(
    ("truth", "told", "word"),
    [
        (SOUND, ALL, Word.DONE),
        (Truth(orders=[_order()], trades=[_trade("0.1")]), Told(filled=Decimal("0.1")), Word.SHORT),
        (SOUND, Told(filled=Decimal(0), unknown=True), Word.ASKS),
    ],
)
def test_what_is_not_wrong_has_a_word_of_its_own(truth: Truth, told: Told, word: Word) -> None:
    """Who says that he does not know is not taken for one who says that there is nothing."""
    verdict = judge(truth, told, wanted=WANTED, limit=LIMIT)
    assert (verdict.word, verdict.breaches) == (word, ())


def test_a_name_nobody_knows_is_refused() -> None:
    """By the field's name, before anything is started."""
    with pytest.raises(BadInput, match="faults"):
        rows_named(["earthquake"])
    with pytest.raises(BadInput, match="protocols"):
        cases_of(ROWS, ["mtgox"], "router")
    with pytest.raises(BadInput, match="gemini"):
        cases_of(ROWS, ["gemini"], "ccxt-router")
    with pytest.raises(BadInput, match="subject"):
        cases_of(ROWS, USUAL, "somebody")


def test_the_page_has_every_row_of_this_code() -> None:
    """All of them, in their order, each with a verdict per subject and protocol; and README's counts are the page's."""
    page = PAGE.read_text().splitlines()
    assert len(NAMES) == len(set(NAMES)) >= 32
    assert heading(USUAL) in page
    assert list(_documented()) == list(NAMES)
    assert all(len(cells) == len(USUAL) * len(SUBJECTS) and all(cells) for cells in _documented().values())
    at = page.index(COUNTS[0])
    counts = page[at : page.index("", at)]
    readme = (ROOT / "README.md").read_text().splitlines()
    at = readme.index(COUNTS[0])
    assert readme[at : at + len(counts)] == counts


@pytest.mark.parametrize("subject", COMMANDS)
async def test_a_row_comes_out_as_documented(tmp_path: Path, subject: str) -> None:
    """A control and a fault, at the protocol that answers an order in full."""
    rows = [row for row in ROWS if row.name in {"nothing goes wrong", "order: JSON cut"}]
    for number, row in enumerate(rows):
        outcome = await play(Case(row=row, seat=SEATS["binance"], subject=COMMANDS[subject]), tmp_path / str(number))
        column = list(COMMANDS).index(subject) * len(USUAL) + USUAL.index("binance")
        assert cell(outcome) == _documented()[row.name][column], outcome.said


@pytest.mark.nightly
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("protocol", SEATS)
async def test_every_row_ends_as_it_should(protocol: str) -> None:
    """At every protocol of the lab: never over, never untrue, to its end; to a person only where no rule can prove."""
    wrong = [
        f"{outcome.case.row.name}: {outcome.verdict} ({outcome.said})"
        async for outcome in run(cases_of(ROWS, [protocol], "router"), workers=2)
        if not outcome.fits
    ]
    assert wrong == []


@pytest.mark.nightly
@pytest.mark.timeout(1_800)
async def test_every_row_of_the_peer_comes_out_as_documented() -> None:
    """What is said of somebody else's router is true tonight, too."""
    columns = len(USUAL)
    differ = []
    async for outcome in run(cases_of(ROWS, USUAL, "ccxt-router"), workers=2):
        documented = _documented()[outcome.case.row.name][columns + USUAL.index(outcome.case.seat.name)]
        if cell(outcome) != documented and not outcome.case.row.is_a_race:
            differ.append(f"{outcome.case.seat.name}, {outcome.case.row.name}: {cell(outcome)}, written {documented}")
    assert differ == []


def _documented() -> dict[str, list[str]]:
    """The cells of each row, as docs/COMPARE.md has them."""
    page = PAGE.read_text().splitlines()
    lines = page[page.index(heading(USUAL)) + 2 :]
    rows = [[text.strip() for text in line.strip("|").split("|")] for line in lines if line]
    return {row[1]: row[2:] for row in rows}
