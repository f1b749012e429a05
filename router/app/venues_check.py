"""`sor venues check`: the go-live checklist of each account, asked of the venue itself. Places no order."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from connectors.budget import NS_PER_MS
from connectors.ccxt_venue.capabilities import CAPABILITIES
from connectors.ccxt_venue.checkup import Checkup
from connectors.ccxt_venue.codec import from_gate, from_hex, from_uuid
from connectors.settings import VenueSettings
from router.app.findings import Finding, fail, ok, warn
from router.app.licences import Measured
from router.app.parts import build_market
from router.config import Config, Mode
from router.model.errors import BadInput, SorError
from router.model.events import DedupeVerdict
from router.model.ids import AccountId
from router.model.instruments import Listing, TokenDiscount
from router.model.keys import KeyReading
from router.model.terms import Fence
from router.observe import Observe
from router.ports import Clock
from router.runtime.inbox import Inbox
from router.runtime.market import Market

T = TypeVar("T")
_STEP_S = 30.0
STREAM_S = 15.0
"""How long a stream may take to show a book, or to be confirmed."""
_LOOK_S = 0.02
_SKEW_FAIL_NS = 30_000 * NS_PER_MS
_SLOW_MS = 1_000
_CALLS, _CALLS_BESIDE = 10, 3


class _Undone(Exception):
    """A step that did not come to an answer; what follows from it cannot be judged."""


class _Sheet:
    """One account's lines."""

    def __init__(self, venue: VenueSettings) -> None:
        self._account = venue.account
        self.found: list[Finding] = []

    def note(self, finding: Finding) -> None:
        self.found.append(replace(finding, account=self._account))

    async def step(self, subject: str, work: Awaitable[T], mend: str) -> T:
        """The step's answer; what went wrong becomes a line, and `_Undone`."""
        try:
            async with asyncio.timeout(_STEP_S):
                return await work
        except TimeoutError:
            self.note(fail(subject, f"no answer within {_STEP_S:.0f} s", mend))
        except SorError as error:
            self.note(fail(subject, str(error), mend))
        raise _Undone


async def check_venues(
    config: Config,
    observe: Observe,
    clock: Clock,
    *,
    only: str | None,
    beside_driver: bool,
    measured: Mapping[AccountId, Sequence[Measured]],
    stream_s: float = STREAM_S,
) -> tuple[Finding, ...]:
    """Every configured account's lines, or those of one venue. Raises `BadInput` for a venue that is not configured.

    `measured`: what probes found out about used ids, per account, newest first.
    """
    wanted = [venue for venue in config.venues if only in {None, venue.venue}]
    if not wanted:
        known = ", ".join(venue.venue for venue in config.venues)
        raise BadInput("venue", f"{only} is not configured; {known} are")
    market = build_market(config, Inbox(), observe)
    sheets = [_Sheet(venue) for venue in wanted]
    for sheet, venue in zip(sheets, wanted, strict=True):
        _standing(sheet, config, venue)
        _used_ids(sheet, venue, measured.get(venue.account, ()))
    await asyncio.gather(
        *(
            _check(sheet, venue, market, clock, beside_driver=beside_driver, stream_s=stream_s)
            for sheet, venue in zip(sheets, wanted, strict=True)
        )
    )
    return tuple(line for sheet in sheets for line in sheet.found)


async def _check(
    sheet: _Sheet, venue: VenueSettings, market: Market, clock: Clock, *, beside_driver: bool, stream_s: float
) -> None:
    checkup = Checkup(venue, clock, beside_driver=beside_driver)
    _codec(sheet, venue, checkup)
    try:
        await _asked(sheet, venue, checkup, beside_driver=beside_driver)
        await _streams(sheet, checkup, market, clock, stream_s)
    except _Undone:
        pass
    finally:
        await checkup.stop()


async def _asked(sheet: _Sheet, venue: VenueSettings, checkup: Checkup, *, beside_driver: bool) -> None:
    """What only the venue can tell, in the order in which one thing rests on another."""
    mend = (
        "is `sor lab` running?" if venue.in_lab else "the network, the venue's status page, or a restriction by country"
    )
    await sheet.step("reachable", checkup.reach(), mend)
    sheet.note(ok("reachable", f"markets read, {len(venue.symbols)} of them ours"))
    await _clock(sheet, checkup)
    private = venue.private
    if not private:
        sheet.note(warn("key", "none is configured: public data only", f"venues.{venue.venue}.keys"))
    elif beside_driver and checkup.counts_requests:
        private = False
        mend = "stop the driver for a full check: of two that count for one key, each refuses the other"
        sheet.note(warn("key", "left alone: a driver uses it, and its requests are numbered", mend))
    if private:
        try:
            await _key(sheet, venue, checkup)
        except _Undone:  # what is public can be judged all the same
            private = False
    told = private == venue.private
    fees = await sheet.step("fees", checkup.fees_bps(), "may the key read its fees?") if told else {}
    _rules(sheet, checkup, fees, await checkup.token_discounts(fees) if told else {})
    if not private:
        checkup.leave_key_alone()
    await _latency(sheet, venue, checkup, beside_driver=beside_driver)


def _standing(sheet: _Sheet, config: Config, venue: VenueSettings) -> None:
    """What is known without asking: tier and fence."""
    capabilities = CAPABILITIES.get(venue.ccxt_id)
    proven = f", {capabilities.proven}" if capabilities else ""
    says = f"{venue.tier}{proven}"
    unproven = config.mode is Mode.LIVE and venue.tier in {"A", "B"}
    sheet.note(warn("tier", says, "acknowledged: nobody has traded live through it") if unproven else ok("tier", says))
    bound = venue.terms.outstanding_max
    says = f"{venue.terms.fence}, {'no bound on' if bound is None else f'at most {bound}'} outstanding children"
    if venue.terms.fence is Fence.NONE:
        says += ", one driver without a stand-by"
    nobody = "a lost order that cannot be found goes to a person"
    sheet.note(warn("fence", says, nobody) if venue.terms.fence is Fence.NONE else ok("fence", says))


def _used_ids(sheet: _Sheet, venue: VenueSettings, measured: Sequence[Measured]) -> None:
    """What a probe saw last, or what the map says; a licence without a measurement of one's own is told."""
    known = CAPABILITIES.get(venue.ccxt_id)
    mapped = f"{known.client_id.uniqueness} [{known.client_id.uniqueness_mark}]" if known else "not known"
    if measured:
        last = measured[0]
        says = f"{last.probe.verdict}: {last.probe.detail} ({last.name})"
        bad = last.probe.verdict is DedupeVerdict.SECOND_ACCEPTED
        mend = "an order is never sent twice here: keep dedupe_licensed false"
        sheet.note(warn("used ids", says, mend) if bad else ok("used ids", says))
    elif venue.dedupe_licensed and venue.licence is None and not venue.in_lab:
        mend = "measure it on the test network: sor venues probe-dedupe, and name the result"
        sheet.note(warn("used ids", f"licensed, and never measured; the map says: {mapped}", mend))
    else:
        sheet.note(ok("used ids", f"{venue.licence or 'never measured'}; the map says: {mapped}"))


def _codec(sheet: _Sheet, venue: VenueSettings, checkup: Checkup) -> None:
    """Our id as the venue is sent it: within its limits, and ours again when it comes back."""
    spelled = checkup.spelled_id()
    known = CAPABILITIES.get(venue.ccxt_id)
    most = known.client_id.length_max if known else None
    if most is not None and len(spelled) > most:
        sheet.note(fail("client id", f"{spelled} is longer than {most}", "this is a bug: report it"))
        return
    back = from_uuid(spelled) or from_hex(spelled) or from_gate(spelled)
    how = "read back as ours" if back else "found by spelling ours again"
    sheet.note(ok("client id", f"{spelled} ({len(spelled)} of {most or 'any number of'} characters), {how}"))


async def _clock(sheet: _Sheet, checkup: Checkup) -> None:
    read = await sheet.step("clock", checkup.read_venue_clock(), "the venue's time cannot be read")
    says = f"{read.offset_ns / 1e6:+.1f} ms from ours, known to {read.error_ns / 1e6:.1f} ms"
    if read.trouble is not None:
        sheet.note(fail("clock", f"{says}: {read.trouble}", "deadlines cannot be told: the account's gate stays shut"))
    elif abs(read.offset_ns) + read.error_ns >= _SKEW_FAIL_NS:
        sheet.note(fail("clock", says, "set this machine's clock"))
    elif read.skewed is not None:
        sheet.note(warn("clock", says, "set this machine's clock; deadlines are told in the venue's time meanwhile"))
    else:
        sheet.note(ok("clock", says))


async def _key(sheet: _Sheet, venue: VenueSettings, checkup: Checkup) -> None:
    balances = await sheet.step("key", checkup.balances(), "is it right, alive, and allowed from this address?")
    sheet.note(ok("key", "accepted"))
    held = {one.asset: one.total for one in balances if one.total > 0}
    wanted = {asset for symbol in venue.symbols for asset in symbol.split("/")}
    says = ", ".join(f"{total.normalize():f} {asset}" for asset, total in sorted(held.items()) if asset in wanted)
    if says:
        sheet.note(ok("balances", says))
    else:
        sheet.note(warn("balances", "readable, and nothing of what is traded here is held", "fund the account"))
    if venue.testnet:
        sheet.note(ok("key powers", "not asked on a test network"))
        return
    reading = await sheet.step("key powers", checkup.key_reading(), "may the key read its own rights?")
    for finding in _of_key(reading):
        sheet.note(finding)
    await _movements(sheet, checkup)


async def _movements(sheet: _Sheet, checkup: Checkup) -> None:
    """Can what moves besides trading be known without a person?"""
    listed = await checkup.movements()
    mend = "or acknowledge what moves: sor balances acknowledge"
    if checkup.unlisted is not None:
        says = f"not listed to this key: {checkup.unlisted}"
        sheet.note(warn("movements", says, f"let the key read deposits and withdrawals, {mend}"))
    elif listed is None:
        sheet.note(warn("movements", "the list could not be read", f"try again, {mend}"))
    else:
        sheet.note(ok("movements", f"{len(listed)} deposits and withdrawals within a week"))


def _of_key(reading: KeyReading) -> list[Finding]:
    """By the verdict the connector goes by: what is wrong, else that nothing is."""
    mend = "make a key that can trade and nothing else, bound to this machine's address; attest what is not told"
    if not reading.doubts:
        attested = [f"{one.what} attested by {one.by} until {one.until}" for one in reading.attested]
        return [ok("key powers", "; ".join(["fit to trade with", *attested]))]
    told = fail if reading.refusal is not None else warn
    return [told("key powers", f"this key {doubt}", mend) for doubt in reading.doubts]


def _rules(
    sheet: _Sheet, checkup: Checkup, fees: Mapping[str, Decimal], discounts: Mapping[str, TokenDiscount]
) -> None:
    try:
        listings = checkup.rules(fees, discounts)
    except SorError as error:
        sheet.note(fail("listings", str(error), "this symbol cannot be traded: its rules are not known"))
        raise _Undone from None
    for one in listings:
        fee = f", taker {one.taker_fee_bps.normalize():f} bp in {one.fee_in.lower()}" if one.symbol in fees else ""
        fee += _of_token(one.discount)
        least = f"least {one.min_quantity:f} {one.base} and {one.min_notional:f} {one.quote}"
        sheet.note(ok("listing", f"{one.symbol}: tick {one.tick:f}, step {one.step:f}, {least}{fee}"))


def _of_token(discount: TokenDiscount | None) -> str:
    """What the venue's token makes of the fee."""
    if discount is None or discount.on is False:
        return ""
    if discount.on is None:
        return f", a discount for paying in {discount.token} is not told and not counted on"
    return f", {discount.taker_fee_bps.normalize():f} bp in {discount.token} while there is enough of it"


async def _latency(sheet: _Sheet, venue: VenueSettings, checkup: Checkup, *, beside_driver: bool) -> None:
    calls = _CALLS_BESIDE if beside_driver else _CALLS
    mend = "the venue answered before and does not now"
    taken = sorted(await sheet.step("latency", checkup.latencies_ms(calls), mend))
    middle, worst = taken[len(taken) // 2], taken[-1]
    says = f"p50 {middle:.1f} ms, p99 {worst:.1f} ms (the worst of {len(taken)} cheap calls)"
    if worst > venue.terms.request_ttl_ms and venue.terms.fence is Fence.DEADLINE:
        mend = "answers come later than an order may: raise terms.request_ttl_ms, or move closer"
        sheet.note(fail("latency", says, mend))
    elif worst > _SLOW_MS:
        sheet.note(warn("latency", says, "slow: is it the line or the venue?"))
    else:
        sheet.note(ok("latency", says))


def _unusable(market: Market, listing: Listing, clock: Clock) -> str | None:
    """Why an order could not be routed there now; None when it could."""
    view = market.view(listing.instrument, listing.min_quantity, clock.now())
    book = next(one for one in view.listings if one.listing.id == listing.id)
    missing = [side for side, there in (("bids", book.bids), ("asks", book.asks)) if not there]
    return book.unusable or (f"no {' and no '.join(missing)}" if missing else None)


async def _streams(sheet: _Sheet, checkup: Checkup, market: Market, clock: Clock, stream_s: float) -> None:
    listings = checkup.listings
    market.add(listings)
    checkup.stream(market)
    ends = asyncio.get_running_loop().time() + stream_s
    unusable: dict[str, str] = {}
    while asyncio.get_running_loop().time() < ends:
        unusable = {one.symbol: why for one in listings if (why := _unusable(market, one, clock)) is not None}
        if not unusable:
            break
        await asyncio.sleep(_LOOK_S)
    for one in listings:
        if one.symbol in unusable:
            mend = "while it stays so, nothing is routed there"
            sheet.note(fail("book", f"{one.symbol}: {unusable[one.symbol]} after {stream_s:.0f} s", mend))
        else:
            age_ms = market.ages(clock.now())[one.id][0] // NS_PER_MS
            sheet.note(ok("book", f"{one.symbol}: usable, {age_ms} ms old"))
    if not checkup.settings.private:
        return
    confirmed = await checkup.confirmed(stream_s)
    if confirmed is None:
        sheet.note(ok("private stream", "orders are polled"))
    elif confirmed:
        sheet.note(ok("private stream", "confirmed by the venue"))
    else:
        mend = "fills are found by look-ups meanwhile: slower, not lost"
        sheet.note(warn("private stream", f"not confirmed within {stream_s:.0f} s", mend))
