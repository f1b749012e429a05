"""From a checked body to a row of the request table, and from a row to the event it means."""

import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal

from router.model.errors import BadInput
from router.model.events import (
    AmendAsked,
    BasketSubmitted,
    CancelAsked,
    DifferenceAcknowledged,
    Event,
    HaltAsked,
    HaltLevel,
    ParentSubmitted,
    PauseAsked,
    ReconcileAsked,
    ResolveAsked,
    RestoreTold,
)
from router.model.ids import (
    AccountId,
    Asset,
    ClientOrderId,
    EntityId,
    InstrumentId,
    Nanos,
    ParentId,
    RefId,
    TradeId,
    VenueId,
    VenueOrderId,
)
from router.model.orders import Fee, ParentOrder
from router.model.requests import Request, RequestKind
from router.model.resolutions import Resolution, ToldTrade, Verdict
from router.orders.client_ids import parent_id
from router.requests import estimates
from router.requests.baskets import BasketBody, basket_legs, basket_text, parse_basket
from router.requests.bodies import (
    AcknowledgeBody,
    AmendBody,
    CancelBody,
    HaltBody,
    PauseBody,
    ReconcileBody,
    ResolveBody,
    RestoredBody,
    TradeBody,
    parse,
)
from router.requests.curves import CurveBody
from router.requests.fields import Body, nanoseconds
from router.requests.orders import (
    ENVELOPE_FIELDS,
    RESTING,
    TAKING,
    OrderBody,
    curve_named,
    order_model,
    order_written,
    with_curve,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Offered:
    """What an order may ask for here."""

    instruments: tuple[InstrumentId, ...]
    venues: frozenset[VenueId]
    accounts: frozenset[AccountId] = frozenset()
    policies: frozenset[str] = TAKING | RESTING
    envelope: frozenset[str] = ENVELOPE_FIELDS
    """Fields of the envelope that are kept to; any other is refused, not ignored."""


def order_request(body: OrderBody, *, entity: EntityId, principal: str, asked_ns: Nanos) -> Request:
    """Ask for a parent. Its reference is its key, for ever."""
    return _request(RequestKind.PARENT, body.ref_id, _text(body), entity, principal, asked_ns)


def basket_request(body: BasketBody, *, entity: EntityId, principal: str, asked_ns: Nanos) -> Request:
    """Ask for a basket. Its reference is its key, for ever."""
    return _request(RequestKind.BASKET, body.ref_id, basket_text(body), entity, principal, asked_ns)


def cancel_request(body: CancelBody, *, entity: EntityId, principal: str, asked_ns: Nanos) -> Request:
    """Ask for a parent to stop. Asking twice is asking once."""
    return _request(RequestKind.CANCEL, body.ref_id, _text(body), entity, principal, asked_ns)


def pause_request(body: PauseBody, *, resume: bool, entity: EntityId, principal: str, asked_ns: Nanos) -> Request:
    """Ask for a parent to wait, or to go on. Each asking is its own."""
    kind = RequestKind.RESUME_ORDER if resume else RequestKind.PAUSE
    return _request(kind, f"{body.ref_id}-{asked_ns}", _text(body), entity, principal, asked_ns)


def amend_request(
    body: AmendBody, *, entity: EntityId, principal: str, asked_ns: Nanos, version: str | None = None
) -> Request:
    """Ask for other terms. Each asking is its own; asking for what holds already changes nothing.

    `version`: of the order as the asker saw it. Of each version there is one amendment at most, for ever.
    """
    which = asked_ns if version is None else f"at-{version}"
    return _request(RequestKind.AMEND, f"{body.ref_id}-{which}", _text(body), entity, principal, asked_ns)


def halt_request(body: HaltBody, *, resume: bool, entity: EntityId, principal: str, asked_ns: Nanos) -> Request:
    """Ask for a halt or a resume. Each asking is its own."""
    kind = RequestKind.RESUME if resume else RequestKind.HALT
    return _request(kind, f"{asked_ns}", _text(body), entity, principal, asked_ns)


def acknowledge_request(
    body: AcknowledgeBody, key: str, *, entity: EntityId, principal: str, asked_ns: Nanos
) -> Request:
    """Explain a difference, once per key for ever."""
    return _request(RequestKind.ACKNOWLEDGE, key, _text(body), entity, principal, asked_ns)


def resolve_request(body: ResolveBody, *, as_of_seq: int, entity: EntityId, principal: str, asked_ns: Nanos) -> Request:
    """Say what became of a quarantined child. The same word on the same standing of the child is one asking.

    `as_of_seq`: the journal row the child was last changed by, as the asker saw it.
    """
    text = _text(body)
    said = hashlib.sha256(f"{principal}|{text}".encode()).hexdigest()[:16]
    return _request(RequestKind.RESOLVE, f"{body.child}-{as_of_seq}-{said}", text, entity, principal, asked_ns)


def reconcile_request(body: ReconcileBody, *, entity: EntityId, principal: str, asked_ns: Nanos) -> Request:
    """Ask for an account to be read. Each asking is its own."""
    return _request(RequestKind.RECONCILE, f"{body.account}-{asked_ns}", _text(body), entity, principal, asked_ns)


def restored_request(body: RestoredBody, *, entity: EntityId, principal: str, asked_ns: Nanos) -> Request:
    """Say that the database is a backup, brought back. Once per life of it."""
    return _request(RequestKind.RESTORED, f"{body.incarnation}", _text(body), entity, principal, asked_ns)


def curve_wanted(request: Request) -> tuple[str, str] | None:
    """Name and day of the stored curve that has to be looked up before a request is understood, if one has to.

    Raises `BadInput` as `understand` does.
    """
    return curve_named(parse(OrderBody, _data(request))) if request.kind is RequestKind.PARENT else None


def _data(request: Request) -> object:
    try:
        return json.loads(request.body)
    except (ValueError, RecursionError):
        raise BadInput("body", "is not JSON that can be read") from None


def understand(request: Request, deployment: str, offered: Offered, curve: CurveBody | None = None) -> Event:
    """The event a stored request means. It was checked when it was stored; a later release checks it again.

    `curve`: the one it names (`curve_wanted`). Raises `BadInput` when it cannot be understood.
    """
    data = _data(request)
    match request.kind:
        case RequestKind.PARENT:
            body = parse(OrderBody, data)
            body = body if curve is None else with_curve(body, curve)
            return ParentSubmitted(order=parent_order(body, deployment, request.entity, request.principal, offered))
        case RequestKind.BASKET:
            basket = parse_basket(data)
            return BasketSubmitted(legs=legs_of(basket, deployment, request.entity, request.principal, offered))
        case RequestKind.CANCEL | RequestKind.PAUSE | RequestKind.RESUME_ORDER | RequestKind.AMEND:
            return _about_a_parent(request, deployment, data)
        case RequestKind.ACKNOWLEDGE:
            said = parse(AcknowledgeBody, data)
            return DifferenceAcknowledged(
                account=_offered_account(said.account, offered),
                asset=Asset(said.asset),
                amount=Decimal(said.amount),
                reason=said.reason,
                principal=request.principal,
            )
        case RequestKind.RESOLVE:
            return ResolveAsked(resolution=_resolution(parse(ResolveBody, data), request.principal))
        case RequestKind.RECONCILE:
            account = _offered_account(parse(ReconcileBody, data).account, offered)
            return ReconcileAsked(account=account, principal=request.principal)
        case RequestKind.RESTORED:
            restored = parse(RestoredBody, data)
            return RestoreTold(
                incarnation=restored.incarnation, since_ns=Nanos(restored.since_ns), principal=request.principal
            )
        case RequestKind.UNKNOWN:
            raise BadInput("kind", "is not one this release knows")
        case RequestKind.HALT:
            return HaltAsked(level=HaltLevel.NEW, reason=parse(HaltBody, data).reason, principal=request.principal)
        case RequestKind.RESUME:
            return HaltAsked(level=HaltLevel.NONE, reason=parse(HaltBody, data).reason, principal=request.principal)


def _about_a_parent(request: Request, deployment: str, data: object) -> CancelAsked | PauseAsked | AmendAsked:
    """Stop it, let it wait or go on, or give it other terms."""
    by = request.principal

    def named(body: CancelBody | PauseBody | AmendBody) -> ParentId:
        return parent_id(deployment=deployment, entity=request.entity, ref_id=RefId(body.ref_id))

    if request.kind is RequestKind.CANCEL:
        return CancelAsked(parent_id=named(parse(CancelBody, data)), principal=by)
    if request.kind is not RequestKind.AMEND:
        resume = request.kind is RequestKind.RESUME_ORDER
        pause = parse(PauseBody, data)
        return PauseAsked(parent_id=named(pause), resume=resume, principal=by, confirms=pause.confirm_pilot)
    body = parse(AmendBody, data)
    return AmendAsked(
        parent_id=named(body),
        principal=by,
        quantity=None if body.base_quantity is None else Decimal(body.base_quantity),
        limit_price=None if body.limit_price is None else Decimal(body.limit_price),
        end_ns=None if body.end_time is None else nanoseconds(body.end_time),
    )


def parent_order(body: OrderBody, deployment: str, entity: EntityId, principal: str, offered: Offered) -> ParentOrder:
    """The parent a body describes, defaults filled in. Raises `BadInput` for what is not offered here."""
    check_offered(body, offered)
    id_ = parent_id(deployment=deployment, entity=entity, ref_id=RefId(body.ref_id))
    order = order_model(body, id_, entity, principal)
    if order.estimate is not None:
        estimates.check(order_written(order), order.estimate)
    return order


def legs_of(
    body: BasketBody, deployment: str, entity: EntityId, principal: str, offered: Offered
) -> tuple[ParentOrder, ...]:
    """The legs a basket describes, defaults filled in. Raises `BadInput` for what is not offered here."""
    for number, leg in enumerate(body.orders(), start=1):
        try:
            check_offered(leg, offered)
        except BadInput as error:
            raise BadInput(f"legs.{number}.{error.field}", error.message) from None
    basket_id = parent_id(deployment=deployment, entity=entity, ref_id=RefId(body.ref_id))
    return basket_legs(body, basket_id, entity, principal)


def _resolution(body: ResolveBody, principal: str) -> Resolution:
    return Resolution(
        client_id=ClientOrderId(body.child),
        verdict=Verdict.FILLED if body.verdict == "filled" else Verdict.NEVER_PLACED,
        evidence=body.evidence,
        principal=principal,
        trades=tuple(map(_told, body.trades)),
        venue_order_id=None if body.venue_order_id is None else VenueOrderId(body.venue_order_id),
    )


def _told(trade: TradeBody) -> ToldTrade:
    fees = () if trade.fee is None else (Fee(asset=Asset(trade.fee_asset or ""), amount=Decimal(trade.fee)),)
    return ToldTrade(
        trade_id=TradeId(trade.trade_id), quantity=Decimal(trade.quantity), price=Decimal(trade.price), fees=fees
    )


def _offered_account(account: str, offered: Offered) -> AccountId:
    if AccountId(account) not in offered.accounts:
        raise BadInput("account", f"{account} is not one of {', '.join(sorted(offered.accounts))}")
    return AccountId(account)


def check_offered(body: OrderBody, offered: Offered) -> None:
    """Raises `BadInput` for what is not offered here."""
    if body.policy not in offered.policies:
        raise BadInput("policy", f"{body.policy} is not offered yet; there is {', '.join(sorted(offered.policies))}")
    for field in sorted((body.model_fields_set & ENVELOPE_FIELDS) - offered.envelope):
        if getattr(body, field) != OrderBody.model_fields[field].default:
            raise BadInput(field, "is not offered yet")
    if body.instrument not in offered.instruments:
        raise BadInput("instrument", f"{body.instrument} is not traded here; there is {', '.join(offered.instruments)}")
    for field, names in (("venues.include", body.venues.include or ()), ("venues.exclude", body.venues.exclude)):
        for name in names:
            if VenueId(name) not in offered.venues:
                raise BadInput(field, f"{name} is not one of {', '.join(sorted(offered.venues))}")
    if not offered.venues.intersection(body.venues.include or offered.venues).difference(body.venues.exclude):
        raise BadInput("venues.exclude", "leaves no venue to trade on")


def _text(body: Body) -> str:
    """Canonical: what the owner wrote, amounts in one spelling, keys sorted, no blanks.

    Defaults are left out: a release that changes one must still know an old reference again.
    """
    written = body.model_dump(exclude_none=True, exclude_unset=True)
    return json.dumps(
        {name: value for name, value in written.items() if value != {}}, sort_keys=True, separators=(",", ":")
    )


def _request(kind: RequestKind, key: str, body: str, entity: EntityId, principal: str, asked_ns: Nanos) -> Request:
    return Request(
        entity=entity,
        kind=kind,
        key=key,
        principal=principal,
        body=body,
        body_hash=hashlib.sha256(body.encode()).hexdigest(),
        asked_ns=asked_ns,
    )
