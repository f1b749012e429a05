"""A symbol's filters, in the order venues apply them: each says what is wrong, or nothing."""

from collections.abc import Callable
from decimal import Decimal

from connectors.lab.core.records import NewOrder, Rejection, RejectKind
from connectors.lab.core.rules import SymbolRules
from router.model.money import plain
from router.model.rounding import on_grid

_Filter = Callable[[SymbolRules, NewOrder, Decimal], str | None]


def _price_positive(_: SymbolRules, order: NewOrder, __: Decimal) -> str | None:
    wrong = order.limit_price is not None and order.limit_price <= 0
    return "Price must be positive." if wrong else None


def _price_tick(symbol: SymbolRules, order: NewOrder, _: Decimal) -> str | None:
    wrong = order.limit_price is not None and not on_grid(order.limit_price, symbol.tick)
    return f"Price is not a multiple of {plain(symbol.tick)}." if wrong else None


def _quantity_min(symbol: SymbolRules, order: NewOrder, _: Decimal) -> str | None:
    wrong = order.quantity < symbol.min_quantity or order.quantity <= 0
    return f"Quantity below {plain(symbol.min_quantity)}." if wrong else None


def _quantity_max(symbol: SymbolRules, order: NewOrder, _: Decimal) -> str | None:
    wrong = symbol.max_quantity is not None and order.quantity > symbol.max_quantity
    return f"Quantity above {plain(symbol.max_quantity or Decimal(0))}." if wrong else None


def _quantity_step(symbol: SymbolRules, order: NewOrder, _: Decimal) -> str | None:
    wrong = not on_grid(order.quantity, symbol.step)
    return f"Quantity is not a multiple of {plain(symbol.step)}." if wrong else None


def _notional_min(symbol: SymbolRules, _: NewOrder, value: Decimal) -> str | None:
    return f"Value below {plain(symbol.min_notional)}." if value < symbol.min_notional else None


_FILTERS: tuple[tuple[RejectKind, _Filter], ...] = (
    (RejectKind.PRICE_NOT_POSITIVE, _price_positive),
    (RejectKind.PRICE_TICK, _price_tick),
    (RejectKind.QUANTITY_TOO_SMALL, _quantity_min),
    (RejectKind.QUANTITY_TOO_LARGE, _quantity_max),
    (RejectKind.QUANTITY_STEP, _quantity_step),
    (RejectKind.NOTIONAL_TOO_SMALL, _notional_min),
)


def refused_by_filter(symbol: SymbolRules, order: NewOrder, value: Decimal) -> Rejection | None:
    """The first filter an order worth `value` in quote currency fails; None when it passes all."""
    for kind, check in _FILTERS:
        text = check(symbol, order, value)
        if text is not None:
            return Rejection(kind=kind, text=text)
    return None
