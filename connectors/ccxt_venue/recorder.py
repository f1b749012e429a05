"""Records what one account's venue sends, at the frame boundary: before anything of ours or of ccxt's has read it.

The connector runs as it does in trading, so that what is written is what the decoders were given: frames, and the REST
books they were joined with. Nothing else of REST is written, so no answer to a signed request ever is. Private frames
go into a tape of their own, with secrets taken out: those of the configuration, and every token this connection was
opened or greeted with.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

from connectors.ccxt_venue.checkup import Checkup
from connectors.ccxt_venue.decoders import Json
from connectors.settings import VenueSettings
from connectors.tape import TapeWriter
from router.model.events import OrderHinted
from router.model.ids import AccountId, ListingId, Nanos
from router.model.instruments import Listing
from router.model.public_trades import PublicTrade
from router.model.stream_notes import StreamNote
from router.ports.clock import Clock

Scrub = Callable[[str], str]
"""Takes the configuration's secrets out of a text."""

_HIDDEN = "REDACTED"
_TOKEN = re.compile(r"[A-Za-z0-9+/=_.:-]{16,}")
_SEGMENT_MAX = 16
_about: ContextVar[tuple[str, str] | None] = ContextVar("about", default=None)


class PublicTap:
    """Writes one connection's traffic as it is."""

    def __init__(self, tape: TapeWriter, channel: str, clock: Clock, broken: Callable[[str], None]) -> None:
        self._tape = tape
        self._channel = channel
        self._clock = clock
        self._broken = broken

    def connected(self, url: str) -> None:
        """A socket stands."""
        self._write("conn", url, None)

    def received(self, url: str, data: str | bytes) -> None:
        """A frame came."""
        self._write("recv", url, data)

    def sent(self, url: str, text: str) -> None:
        """Something of ours left."""
        self._write("send", url, text)

    def answered(self, url: str, body: str) -> None:
        """A REST book came; other answers are nobody's business."""
        about = _about.get()
        if about is not None:
            self._write("http", url, body, w=about[0], s=about[1])

    def _write(self, kind: str, url: str, data: str | bytes | None, **more: str) -> None:
        """Never raises into the connector: a tape that cannot be written ends the recording instead."""
        try:
            if not self._tape.write(self._clock.now(), kind, self._channel, url, data, **more):
                self._broken("the bound of the disk was reached")
        except OSError as error:
            self._broken(f"the tape could not be written ({error.strerror or type(error).__name__})")


class PrivateTap(PublicTap):
    """The same, with everything taken out that opens anything."""

    def __init__(
        self, tape: TapeWriter, channel: str, clock: Clock, broken: Callable[[str], None], scrub: Scrub
    ) -> None:
        super().__init__(tape, channel, clock, broken)
        self._scrub = scrub
        self._tokens: set[str] = set()

    def connected(self, url: str) -> None:
        """What the URL carries is remembered, not written."""
        self._learn(url.partition("://")[2].partition("/")[2])
        super().connected(_bare(url))

    def received(self, url: str, data: str | bytes) -> None:
        """As text: what is inside compressed bytes could not be scrubbed."""
        text = data if isinstance(data, str) else json.dumps("(binary frame, not kept)")
        for token in sorted(self._tokens, key=len, reverse=True):
            text = text.replace(token, _HIDDEN)
        super().received(_bare(url), self._scrub(text))

    def sent(self, url: str, text: str) -> None:
        """That something was sent; of a login every word is a secret."""
        self._learn(text)
        super().sent(_bare(url), _HIDDEN)

    def answered(self, url: str, body: str) -> None:
        """No private answer is kept."""

    def _learn(self, text: str) -> None:
        self._tokens.update(_TOKEN.findall(text))


class Gaps:
    """A sink that keeps no book, only from when to when one could not be trusted."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lost: dict[ListingId, tuple[int, str]] = {}
        self._seen: set[ListingId] = set()
        self.found: list[dict[str, Any]] = []

    def book_snapshot(
        self,
        listing: ListingId,
        _bids: Mapping[float, float],
        _asks: Mapping[float, float],
        received_ns: Nanos,
    ) -> str | None:
        """A book stands, or stands again."""
        self._seen.add(listing)
        if listing in self._lost:
            since_ns, why = self._lost.pop(listing)
            self.found.append({"listing": listing, "from_ns": since_ns, "to_ns": received_ns, "why": why})
        return None

    def book_delta(self, _listing: ListingId, _bids: object, _asks: object, _received_ns: Nanos) -> str | None:
        """Nothing to note."""
        return None

    def book_lost(self, listing: ListingId, why: str) -> None:
        """From here on it is not known."""
        if listing in self._seen:
            self._lost.setdefault(listing, (self._clock.now(), why))

    def book_heartbeat(self, listing: ListingId, received_ns: Nanos) -> None:
        """Nothing to note."""

    def trades_started(self, listing: ListingId, received_ns: Nanos) -> None:
        """Nothing to note."""

    def public_trade(self, trade: PublicTrade) -> None:
        """Nothing to note."""

    def trades_lost(self, listing: ListingId, why: str) -> None:
        """Prints are not books; still a hole."""
        now = self._clock.now()
        self.found.append({"listing": listing, "from_ns": now, "to_ns": now, "why": f"public trades: {why}"})

    def book_confirmed(self, listing: ListingId, asked_ns: Nanos) -> None:
        """Nothing to note."""

    def listing_changed(self, listing: Listing) -> None:
        """Nothing to note."""

    def order_hint(self, hint: OrderHinted) -> None:
        """Nothing to note."""

    def read_wanted(self, account: AccountId, why: str) -> None:
        """Nothing to note."""

    def noted(self, account: AccountId, note: StreamNote) -> None:
        """Nothing to note: the tape holds the frames themselves."""

    def all_books(self, listings: int) -> bool:
        """Was every book seen, and is none of them lost now?"""
        return len(self._seen) == listings and not self._lost

    def ended(self) -> list[dict[str, Any]]:
        """All gaps; one that is still open ends now."""
        now = self._clock.now()
        open_ones = [
            {"listing": listing, "from_ns": since_ns, "to_ns": now, "why": why}
            for listing, (since_ns, why) in self._lost.items()
        ]
        return [*self.found, *open_ones]


class Recorder(Checkup):
    """One venue, recorded. `prepare`, then `begin` with the tapes, then `stop`."""

    def __init__(self, settings: VenueSettings, clock: Clock, *, beside_driver: bool) -> None:
        super().__init__(settings, clock, beside_driver=beside_driver)
        self.gaps = Gaps(clock)

    async def prepare(self) -> Mapping[str, Json]:
        """Connect and read the rules. ccxt's markets of what is recorded, for whoever decodes it later."""
        await self.reach()
        self.rules({})
        await self.read_venue_clock()
        return {str(market["symbol"]): dict(market) for market in self._rows}

    def begin(
        self,
        public: TapeWriter,
        private: TapeWriter | None,
        scrub: Scrub,
        broken: Callable[[str], None],
    ) -> None:
        """Put the taps in and start the streams."""
        clients = self._running
        clients.streams.tap = PublicTap(public, "books", self._clock, broken)
        clients.prints.tap = PublicTap(public, "trades", self._clock, broken)
        if private is None:
            self.leave_key_alone()
        else:
            clients.queries.tap = PrivateTap(private, "private", self._clock, broken, scrub)
        self._start_feeds(self.gaps)

    @property
    def whole(self) -> bool:
        """Does every book stand now?"""
        return self.gaps.all_books(len(self._listings))

    async def _depth(self, symbol: str) -> Json:
        with _asking("depth", symbol):
            return await super()._depth(symbol)

    async def _polled(self, symbol: str) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        with _asking("book", symbol):
            return await super()._polled(symbol)


@contextmanager
def _asking(what: str, symbol: str) -> Iterator[None]:
    token = _about.set((what, symbol))
    try:
        yield
    finally:
        _about.reset(token)


def _bare(url: str) -> str:
    """The address without what may be a token: its query, and any long part of its path."""
    parts = urlsplit(url)
    path = "/".join(_HIDDEN if len(each) > _SEGMENT_MAX else each for each in parts.path.split("/"))
    return f"{parts.scheme}://{parts.netloc}{path}{'?' + _HIDDEN if parts.query else ''}"
