"""The words in which a venue is described. Data only: nothing in here asks anybody.

A statement is worth what it rests on, so each carries its mark. `CAPTURED` statements are compared with the installed
ccxt by tests; `UNCHECKED` ones are not relied on: where safety hangs on them, the map takes the worse case.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from router.model.instruments import FeeIn
from router.model.terms import Fence


class Mark(StrEnum):
    """What a statement rests on."""

    CAPTURED = "captured"
    """Seen in a request of the installed ccxt, and tested again with each of its releases."""
    TRIED = "tried"
    """Seen against a server or handler of our own."""
    DOCUMENTED = "documented"
    """The venue's documentation or a statement of the venue."""
    UNCHECKED = "unchecked"
    """General knowledge."""


class Tier(StrEnum):
    """How far a connector has been proven (D10)."""

    LAB = "A"
    """End to end against a lab that speaks the venue's protocol."""
    WIRE = "B"
    """Captured requests and recorded payloads."""
    TESTNET = "C"
    LIVE = "D"

    @property
    def meaning(self) -> str:
        """In a few words."""
        return {"A": "lab, end to end", "B": "wire-captured", "C": "testnet", "D": "live"}[self.value]


class Encoding(StrEnum):
    """How our 128-bit id is spelled (`codec`)."""

    HEX = "32 hex digits"
    UUID = "UUID, 36 characters"
    GATE = "t- and 26 base32 characters"
    INT45 = "45-bit integer"


class Uniqueness(StrEnum):
    """What the venue does with an id it has seen before."""

    EVER = "refused for ever"
    OPEN_ONLY = "refused while the first is open; accepted again afterwards"
    NOT_CHECKED = "not checked: a second order is placed"
    UNKNOWN = "not known: taken as not checked"


class Covers(StrEnum):
    """What a way of looking up can find."""

    ANY = "open and ended"
    OPEN = "open"
    ENDED = "ended"
    TRADES = "trades"


class Reaches(StrEnum):
    """Where ccxt's unified `clientOrderId` ends up."""

    YES = "reaches the venue"
    DROPPED = "dropped, and an id of ccxt's making is sent"
    OMITTED = "dropped, and no id is sent"
    WRONG = "sent under another name, so that nothing is found"
    REFUSED = "refused by ccxt before anything is sent"
    HARMFUL = "sent as a request that means something else"


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientId:
    """Our id at a venue. `field`: its name there; `param`: what ccxt is given; `on_reuse`: the venue's words."""

    field: str
    param: str
    unified: Reaches
    length_max: int | None
    charset: str
    limits_mark: Mark
    encoding: Encoding
    uniqueness: Uniqueness
    uniqueness_mark: Mark
    on_reuse: str
    when_absent: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One way to find an order by our id: ccxt's endpoint, the parameter that carries the id, what it can find."""

    endpoint: str
    param: str
    covers: Covers
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class LookUpBy:
    """Finding an order by our id. No route: the listings named in `instead` are searched for it."""

    fetch_order: Reaches
    routes: tuple[Route, ...]
    instead: str
    kept: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelBy:
    """Cancelling by our id. `route` None: only the venue's own id works."""

    cancel_order: Reaches
    route: Route | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One kind of order: what ccxt has to be given, and what then stands on the wire (`field=value`)."""

    params: Mapping[str, object]
    wire: str
    mark: Mark = Mark.CAPTURED


class Shown(StrEnum):
    """How a venue shows a post-only order that would have traded on arrival."""

    REFUSED = "refused, by a code in the answer"
    ENDED = "taken, and ended at once without a fill"
    EITHER = "refused by a code in the answer, or taken and ended at once without a fill"


@dataclass(frozen=True, kw_only=True, slots=True)
class Crossing:
    """What becomes of a post-only order that would have traded, and in which of the venue's words.

    Whatever stands here, the answer decides: a code of the list is a refusal (`Refused.would_cross`), an order that was
    taken is read until it has ended, and everything else is unknown.
    """

    shown: Shown
    words: str
    mark: Mark


@dataclass(frozen=True, kw_only=True, slots=True)
class Kinds:
    """Immediate-or-cancel, fill-or-kill, resting and post-only as the venue means them."""

    ioc: Kind
    fok: Kind
    gtc: Kind
    post_only: Kind
    crossing: Crossing
    note: str = ""


def kinds(ioc: str, fok: str, gtc: str, post_only: str, crossing: Crossing, note: str = "") -> Kinds:
    """Where ccxt's unified words are understood."""
    return Kinds(
        ioc=Kind(params={"timeInForce": "IOC"}, wire=ioc),
        fok=Kind(params={"timeInForce": "FOK"}, wire=fok),
        gtc=Kind(params={"timeInForce": "GTC"}, wire=gtc),
        post_only=Kind(params={"postOnly": True}, wire=post_only),
        crossing=crossing,
        note=note,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Expiry:
    """The moment after which the venue refuses a request, and where it looks."""

    param: str
    where: str
    mark: Mark


@dataclass(frozen=True, kw_only=True, slots=True)
class Channels:
    """What the private stream tells, as far as ccxt can watch it."""

    orders: bool
    trades: bool
    balances: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Trap:
    """Something that costs money when it is not known. `test` fails if our code falls into it."""

    says: str
    mark: Mark
    test: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Discount:
    """What a token takes off a fee, and whether the rate we read has it in it.

    `in_rate` False or None (nobody says): the rate is used as it is read, so that no fee is taken for less than it is,
    and the discount only where `connectors.ccxt_venue.discounts` finds it switched on and the account holds enough.
    """

    asset: str
    in_rate: bool | None
    note: str
    mark: Mark

    @property
    def says(self) -> str:
        """As a clause."""
        known = {True: "is", False: "is not", None: "nobody says that it is"}[self.in_rate]
        return f"{self.asset}: {known} in the rate that is read; {self.note} [{self.mark}]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    """One venue."""

    venue: str
    tier: Tier
    proven: str
    """When and against which ccxt the tier was reached."""
    fence: Fence
    """What ends a doubt here without a licence of the operator."""
    client_id: ClientId
    look_up: LookUpBy
    cancel: CancelBy
    kinds: Kinds
    answers_with: str
    """What the answer to a new order holds."""
    amend: str | None
    dead_man: str | None
    expiry: Expiry | None
    fee_in: FeeIn
    fee_note: str
    discount: Discount | None
    """For paying fees in, or holding, a token of the venue's. None: the venue has no such token."""
    batch_max: int | None
    channels: Channels
    testnet: str
    book_check: str
    """How a lost book message is noticed."""
    key_powers: str | None
    """The call that tells what a key may do; None: the operator has to attest it."""
    movements: str
    """Where deposits, withdrawals and transfers are read, when a balance does not fit."""
    traps: tuple[Trap, ...]

    @property
    def outstanding_max(self) -> int | None:
        """Children that may be in doubt or working at once; None is no bound."""
        unguarded = self.fence is Fence.NONE and self.client_id.uniqueness is not Uniqueness.EVER
        return 1 if unguarded else None

    @property
    def replicas_max(self) -> int:
        """Drivers that may ever stand by for this venue: a second one needs a fence to take over behind."""
        return 1 if self.fence is Fence.NONE else 2
