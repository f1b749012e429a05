"""What is known of an account's key: what it may do, since when that is known, and whether another is to replace it.

Asked at start, daily, and at every reading while it is refused. A key that is to replace it is tried on connections of
its own before anything uses it (`rotation`); whose connections those are is the venue's business, not ours.
"""

import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace

from connectors import keys
from connectors.budget import NS_PER_S
from connectors.ccxt_venue import rotation
from connectors.ccxt_venue.calls import CallFailed
from connectors.ccxt_venue.dialect import Ask, Desk, Dialect
from connectors.ccxt_venue.rotation import Credentials, ReadKeys, Rotation
from connectors.settings import VenueSettings
from router.model.errors import BadInput, SorError
from router.model.ids import Nanos
from router.model.keys import KeyPowers, KeyReading
from router.model.outcomes import AccountRead
from router.ports.clock import Clock

_LOG = logging.getLogger(__name__)


class KeyKeeping:
    """One account's. `told_ns`: when the venue last told what the key may do; None where it is not asked."""

    def __init__(self, settings: VenueSettings, dialect: Dialect, clock: Clock, read_keys: ReadKeys | None) -> None:
        self._settings = settings
        self._dialect = dialect
        self._clock = clock
        self._powers = KeyPowers()
        self.told_ns: Nanos | None = None
        self._rotation = Rotation(read_keys)
        self._known: rotation.Known | None = None
        self.unlisted: str | None = None
        """With which code the venue denies this key its list of deposits and withdrawals."""

    @property
    def trouble(self) -> str | None:
        """Why a key that is to replace this one does not; None when there is none."""
        return self._rotation.trouble

    def newest(self, in_use: Credentials) -> Credentials:
        """What to start with. Raises `BadInput`."""
        return self._rotation.newest(in_use)

    def read(self, read: AccountRead) -> None:
        """The account was read whole: by this it is known again."""
        self._known = rotation.known_by(read, self._known)

    async def check(self, ask: Ask) -> None:
        """At start: a key that can move money out is refused wherever there is money. Raises `BadInput`."""
        self._powers, self.told_ns = await self._dialect.key_powers(ask), self._clock.now()
        reading = self.reading()
        if reading is not None and reading.refusal is not None:
            raise BadInput(f"venues.{self._settings.venue}.keys", f"this key {reading.doubts[0]}")

    async def check_again(self, ask: Callable[[], Ask]) -> None:
        """Daily, and at every reading while it is refused. A check that fails leaves what was told before."""
        reading, now_ns = self.reading(), self._clock.now()
        if reading is None:
            return
        if reading.refusal is None and now_ns - reading.told_ns < self._settings.key_check_every_s * NS_PER_S:
            return
        with contextlib.suppress(CallFailed):
            self._powers, self.told_ns = await self._dialect.key_powers(ask()), now_ns

    def reading(self) -> KeyReading | None:
        """What to make of the key now; None where keys are not asked about."""
        if self.told_ns is None:
            return None
        reading = self._judged(self._powers, self.told_ns)
        doubts = () if self.trouble is None else (f"is to be replaced, but the new one {self.trouble}",)
        if self.unlisted is not None:
            doubts = (*doubts, f"may not read deposits and withdrawals ({self.unlisted}): acknowledge what moves")
        return replace(reading, doubts=(*reading.doubts, *doubts))

    def offered(self, in_use: Credentials) -> Credentials | None:
        """The key its files hold now, where that is another one and to be tried."""
        return self._rotation.offered(in_use, self._clock.now())

    async def passes(self, offered: Credentials, ask: Ask, desk: Desk, until_ns: Nanos) -> bool:
        """Is this key, which `ask` speaks with, fit to be used from now on? Why not is kept, and told."""
        try:
            self._powers, self.told_ns = await self._tried(ask, desk, until_ns)
        except SorError as error:
            why = error.message if isinstance(error, BadInput) else f"could not be tried: {error}"
            self._rotation.failed(offered, why, self._clock.now(), for_good=rotation.is_verdict(error))
            _LOG.warning("%s: the new key %s", self._settings.account, why)
            return False
        self._rotation.turned()
        self.unlisted = None
        _LOG.warning("%s: the new key is in use", self._settings.account)
        return True

    async def _tried(self, ask: Ask, desk: Desk, until_ns: Nanos) -> tuple[KeyPowers, Nanos | None]:
        """What a new key may do, once it is shown to be fit, and to open the same account. Places nothing."""
        powers, told_ns = self._powers, self.told_ns
        if not self._settings.testnet:
            powers, told_ns = await self._dialect.key_powers(ask), self._clock.now()
            refusal = self._judged(powers, told_ns).refusal
            if refusal is not None:
                raise BadInput("keys", refusal.removeprefix("its key "))
        await rotation.check_same_account(ask, self._dialect, desk, self._known, until_ns)
        return powers, told_ns

    def _judged(self, powers: KeyPowers, told_ns: Nanos) -> KeyReading:
        settings = self._settings
        return keys.read(powers, settings.attest, settings.unfit_keys_are, told_ns, self._clock.now())
