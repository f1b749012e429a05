"""Facts reach the log and the metrics by name, and secrets reach neither."""

import io
import json
import logging
import typing
from decimal import Decimal

import pytest

from router.model import facts as f
from router.model.events import HaltLevel
from router.model.ids import AccountId, ClientOrderId, Nanos
from router.model.orders import ChildState
from router.model.outcomes import Lost, NotSent
from router.observe import Observe, Redactor, open_log

ACCOUNT = AccountId("kraken/main")
CHILD = ClientOrderId("ab" * 16)
CANARY = "canary-1f9e77aa"


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def observe(out: io.StringIO) -> Observe:
    return Observe(open_log(out, level="debug", json=True, redactor=Redactor([CANARY])))


def lines(out: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def moved(state: ChildState, at_s: int) -> f.ChildMoved:
    return f.ChildMoved(client_id=CHILD, state=state, at_ns=Nanos(at_s * 10**9), reason="because")


def metric(observe: Observe, name: str, **labels: str) -> float | None:
    return observe.registry.get_sample_value(name, labels)


def test_a_doubt_is_counted_timed_and_told(observe: Observe, out: io.StringIO):
    """From the lost answer to the venue's word: one line each, and the time between them."""
    observe.fact(moved(ChildState.IN_DOUBT, 10))
    assert metric(observe, "sor_children_in_doubt") == 1

    observe.fact(moved(ChildState.FILLED, 13))

    assert metric(observe, "sor_children_in_doubt") == 0
    assert metric(observe, "sor_doubt_seconds_sum") == 3
    assert [line["event"] for line in lines(out)] == ["child IN_DOUBT", "child resolved"]


def test_a_halt_shows_on_the_wall(observe: Observe):
    """The gauge follows halt and resume."""
    for level, expected in ((HaltLevel.NEW, 1), (HaltLevel.NONE, 0)):
        observe.fact(f.HaltMoved(level=level, reason="drill", principal="me", at_ns=Nanos(1)))

        assert metric(observe, "sor_halted") == expected


@pytest.mark.parametrize("recovering", [True, False])
def test_a_restart_in_the_middle_of_recovery_says_so(observe: Observe, recovering: bool):
    """The journal knows; no new fact tells it."""
    observe.recovered(seq=9, living=0, halted=None, recovering=recovering)

    assert metric(observe, "sor_recovering") == recovering


def test_answers_are_counted_by_kind(observe: Observe):
    """A copy stopped at the gate is told apart from one whose answer was lost."""
    observe.child_answered(ACCOUNT, CHILD, Lost(why="reset"))
    observe.child_answered(ACCOUNT, CHILD, NotSent(why="approval too old"))

    assert metric(observe, "sor_answers_total", account=ACCOUNT, outcome="Lost") == 1
    assert metric(observe, "sor_not_sent_total", account=ACCOUNT) == 1


def test_every_fact_has_a_function_or_is_nobodys_news():
    """A new kind of fact is not forgotten here."""
    told = set(Observe(open_log(io.StringIO(), level="info", json=True, redactor=Redactor()))._of_fact)

    silent = {f.TimerSet, f.TimerCleared, f.BalancesTaken, f.WatermarkMoved, f.ParentRecovered, f.StrangersFollowed}
    silent |= {f.RestoreRead, f.HuntAsked, f.HuntAnswered, f.ParentArchived}
    silent |= {f.ArrivalSeen, f.VolumeSeen, f.SuspicionEnded}
    assert told | silent == set(typing.get_args(f.Fact))


def test_no_metric_is_labelled_with_an_id(observe: Observe):
    """The number of series does not grow with the number of orders."""
    observe.fact(moved(ChildState.IN_DOUBT, 1))
    observe.child_sent(ACCOUNT, CHILD, Nanos(1), Nanos(2))

    assert CHILD not in observe.exposition().decode()


@pytest.mark.parametrize(
    "planted",
    [
        f"plain {CANARY} text",
        {"headers": {"X": [CANARY]}},
        ValueError(f"GET https://venue/x?signature=abc&key={CANARY}"),
    ],
)
def test_a_known_secret_never_reaches_the_log(out: io.StringIO, planted: object):
    """Whatever it is wrapped in."""
    log = open_log(out, level="debug", json=True, redactor=Redactor([CANARY]))

    log.debug("planted", it=planted)

    assert CANARY not in out.getvalue()
    assert "****" in out.getvalue()


def test_a_secret_that_came_while_running_never_reaches_the_log(out: io.StringIO):
    """Keys are replaced without a restart: the new one is as secret as the old one, which is not forgotten."""
    redactor = Redactor([CANARY])
    observe = Observe(open_log(out, level="debug", json=True, redactor=redactor), redactor=redactor)
    observe.secrets_read(["another-canary"])

    observe.venue_lost(ACCOUNT, f"{CANARY} and another-canary")

    assert "canary" not in out.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "https://h/x?apiKey=zzzz-topsecret&a=1",
        '{"secret": "zzzz-topsecret"}',
        "API-Sign: zzzz-topsecret",
        "Authorization: Bearer zzzz-topsecret",
        "postgresql://sor:zzzz-topsecret@db/sor",
    ],
)
def test_a_secret_nobody_told_us_of_is_known_by_its_name(text: str):
    """Venue libraries print what they send."""
    assert "zzzz-topsecret" not in Redactor().text(text)


def test_a_pem_key_is_masked_line_by_line():
    """A key of several lines leaks by the line, or with its line ends escaped."""
    pem = "-----BEGIN EC PRIVATE KEY-----\nAAAABBBBCCCC\nDDDDEEEEFFFF\n-----END EC PRIVATE KEY-----"
    redactor = Redactor([pem])

    assert "DDDDEEEEFFFF" not in redactor.text("line 3 was DDDDEEEEFFFF")
    assert "AAAABBBBCCCC" not in redactor.text(repr(pem))


def test_libraries_cannot_talk_below_warning_and_are_redacted(out: io.StringIO):
    """At DEBUG, ccxt prints whole requests."""
    open_log(out, level="debug", json=False, redactor=Redactor([CANARY]))
    logger = logging.getLogger("ccxt.base.exchange")

    logger.debug("request with %s", CANARY)
    logger.warning("refused %s", CANARY)
    try:
        raise ValueError(CANARY)
    except ValueError:
        logger.exception("failed")

    assert "request with" not in out.getvalue()
    assert "refused ****" in out.getvalue()
    assert CANARY not in out.getvalue()


def test_a_traceback_of_ours_is_redacted(observe: Observe, out: io.StringIO):
    """The line is kept, the secret is not."""
    try:
        raise RuntimeError(f"with {CANARY} inside")
    except RuntimeError as error:
        observe.snapshot_refused(error)

    assert "RuntimeError" in out.getvalue()
    assert CANARY not in out.getvalue()


def test_numbers_in_lines_are_plain(observe: Observe, out: io.StringIO):
    """A person reads 0.00000001, not 1E-8."""
    observe.round_planned(
        f.RoundPlanned(
            parent_id="P",
            round=1,
            at_ns=Nanos(1),
            due=Decimal("1E-8"),
            children=(),
            residual=Decimal(0),
            residual_reason=None,
            all_in_cost=None,
            marginal_price=None,
            exclusions=(),
        )
    )

    assert lines(out)[0]["due"] == "0.00000001"
