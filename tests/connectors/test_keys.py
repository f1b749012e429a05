"""What a key may do: told by the venue, attested by a person, judged at start and daily."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from connectors import keys
from connectors.ccxt_venue import CcxtVenue
from connectors.ccxt_venue.registry import dialect_of
from connectors.keys import ATTESTED_DAYS, NOT_ATTESTED, Attestation, Attestations, KeyCheck
from router.model.errors import SorError
from router.model.ids import Nanos
from router.model.keys import KeyPowers
from tests.connectors.rig import Notes, WallClock, settings_for

NOW = Nanos(1_795_132_800 * 1_000_000_000)
TODAY = date(2026, 11, 20)
DAY_NS = 86_400 * 1_000_000_000
FIT = KeyPowers(may_withdraw=False, ip_restricted=True, may_trade=True)
BY_HAND = Attestations(cannot_withdraw=Attestation(by="jane", on=TODAY), ip_restricted=Attestation(by="jane", on=TODAY))
TELLS_ADDRESSES = frozenset({"binance", "bybit", "kraken", "okx"})
TELLS_NOTHING = frozenset({"bitstamp"})


def judged(powers: KeyPowers, attested: Attestations = NOT_ATTESTED, now_ns: Nanos = NOW) -> str | None:
    return keys.read(powers, attested, KeyCheck.REFUSE, NOW, now_ns).refusal


@pytest.mark.parametrize(
    ("powers", "why"),
    [
        (FIT, None),
        (KeyPowers(may_withdraw=True, ip_restricted=True, may_trade=True), "can withdraw or transfer"),
        (KeyPowers(may_withdraw=False, ip_restricted=False, may_trade=True), "works from any address"),
        (KeyPowers(may_withdraw=False, ip_restricted=True, may_trade=False), "cannot trade"),
        (KeyPowers(ip_restricted=True), "does not tell whether it can withdraw, and nobody attests it"),
        (KeyPowers(may_withdraw=False), "does not tell whether it is bound to addresses, and nobody attests it"),
    ],
)
def test_the_venues_word_decides(powers, why):
    refusal = judged(powers)
    assert refusal is None if why is None else why in str(refusal)


def test_an_attestation_fills_a_silence_and_overrules_nothing():
    assert judged(KeyPowers(), BY_HAND) is None
    assert "can withdraw" in str(judged(KeyPowers(may_withdraw=True, ip_restricted=True), BY_HAND))
    assert "any address" in str(judged(KeyPowers(ip_restricted=False), BY_HAND))


def test_an_attestation_lasts_ninety_days_and_is_not_dated_ahead():
    last = Nanos(NOW + ATTESTED_DAYS * DAY_NS)
    told_then = keys.read(KeyPowers(), BY_HAND, KeyCheck.REFUSE, last, last)
    expired = keys.read(KeyPowers(), BY_HAND, KeyCheck.REFUSE, last, Nanos(last + DAY_NS))
    ahead = Attestation(by="jane", on=TODAY + timedelta(days=2))

    assert told_then.refusal is None
    assert "what jane attested on 2026-11-20 has expired" in str(expired.refusal)
    assert "dated 2026-11-22" in str(judged(KeyPowers(), Attestations(cannot_withdraw=ahead, ip_restricted=ahead)))


def test_what_was_told_long_ago_is_no_longer_told():
    assert judged(FIT, now_ns=Nanos(NOW + 3 * DAY_NS)) is None
    assert "does not tell" in str(judged(FIT, now_ns=Nanos(NOW + 3 * DAY_NS + 1)))


def test_a_lab_reports_and_refuses_nothing():
    reading = keys.read(KeyPowers(may_withdraw=True), NOT_ATTESTED, KeyCheck.REPORT, NOW, NOW)
    assert reading.refusal is None
    assert reading.doubts[0] == "can withdraw or transfer"


GATE = {"perms": [{"name": "spot"}, {"name": "wallet", "read_only": True}], "ip_whitelist": ["127.0.0.1"]}


@pytest.mark.parametrize(
    ("venue", "answers", "powers"),
    [
        ("bitfinex", [[["orders", 1, 1], ["withdraw", 1, 0]]], KeyPowers(may_withdraw=False, may_trade=True)),
        (
            "bitget",
            [{"data": {"authorities": ["stow", "wwow"], "ips": ""}}],
            replace(FIT, may_withdraw=True, ip_restricted=False),
        ),
        ("bitget", [{"data": {"authorities": ["stow"], "ips": "127.0.0.1"}}], FIT),
        ("gate", [[GATE]], FIT),
        ("gate", [[{**GATE, "ip_whitelist": []}]], replace(FIT, ip_restricted=False)),
        ("htx", [{"data": 7}, {"data": [{"permission": "readOnly,trade", "ipAddresses": "127.0.0.1"}]}], FIT),
        ("kucoin", [{"data": {"permission": "General,Spot", "ipWhitelist": "127.0.0.1"}}], FIT),
        ("kucoin", [{"data": {"permission": "General,InnerTransfer"}}], KeyPowers(may_withdraw=True, may_trade=False)),
        (
            "binance",
            [{"ipRestrict": False, "enableWithdrawals": False}],
            KeyPowers(may_withdraw=False, ip_restricted=False),
        ),
    ],
)
async def test_each_venues_words_for_it(venue, answers, powers):
    """As their documents show them; what is not in an answer is not told."""
    left = list(answers)

    async def ask(_endpoint, _params):
        return left.pop(0)

    assert await dialect_of(venue).key_powers(ask) == powers


async def test_each_protocol_tells_what_its_key_may_do(venue, lab, control, venue_name):
    """As far as it tells anything: bitstamp is silent, coinbase and gemini do not speak of addresses."""
    reads = []
    for powers in ({"withdraw": False, "ip_restricted": True}, {"withdraw": True, "ip_restricted": False}):
        await control.grant(venue_name, **powers)
        venue._keys.told_ns = Nanos(0)  # a day has gone by
        reads.append((await venue.read_account(Nanos(0))).key.powers)
    await control.grant(venue_name, withdraw=False, ip_restricted=True)

    told = None if venue_name in TELLS_NOTHING else True
    bound = True if venue_name in TELLS_ADDRESSES else None
    assert reads[0] == KeyPowers(may_withdraw=told and False, ip_restricted=bound, may_trade=told)
    assert reads[1] == KeyPowers(may_withdraw=told, ip_restricted=bound and False, may_trade=told)


async def test_where_keys_are_refused_a_key_that_can_withdraw_does_not_start(lab, control, venue_name):
    """Or one of a venue that does not tell, until somebody attests it."""
    await control.grant(venue_name, withdraw=True)
    try:
        for attest in (NOT_ATTESTED, _today()):
            settings = settings_for(venue_name, lab.venues[venue_name].url, _keys(lab, venue_name))
            account = CcxtVenue(_refusing(settings, attest), WallClock())
            if venue_name in TELLS_NOTHING and attest.cannot_withdraw:
                await account.start(Notes())
                assert (await account.read_account(Nanos(0))).key.refusal is None
            else:
                with pytest.raises(SorError, match=r"this key (can withdraw|does not tell)"):
                    await account.start(Notes())
            await account.stop()
    finally:
        await control.grant(venue_name, withdraw=False)


def _today() -> Attestations:
    given = Attestation(by="jane", on=date.today())  # noqa: DTZ011 - a day to either side counts
    return Attestations(cannot_withdraw=given, ip_restricted=given)


def _refusing(settings, attest):
    return replace(settings, key_check=KeyCheck.REFUSE, attest=attest)


def _keys(lab, venue_name):
    key = next(iter(lab.venues[venue_name].keys.values()))
    return {"apiKey": key.key, "secret": key.secret, **({"password": key.passphrase} if key.passphrase else {})}
