"""Stored volume curves, looked up for an order that names one."""

from router.model.errors import BadInput, WrongStore
from router.requests import OrderBody, curve_named, with_curve
from router.requests.curves import CurveBody, curve_of
from router.store import JournalStore

_NAMED_MOST = 8


async def in_full(store: JournalStore, body: OrderBody) -> OrderBody:
    """The order with the curve it names, as if its owner had given it. Raises `BadInput` for one nobody stored."""
    named = curve_named(body)
    return body if named is None else with_curve(body, await stored_curve(store, *named))


async def stored_curve(store: JournalStore, curve_id: str, asof: str) -> CurveBody:
    """The curve of this name and day. Raises `BadInput`, which says what there is instead."""
    try:
        text = await store.curve(curve_id, asof)
        if text is not None:
            return curve_of(text)
        known = [curve_of(one) for one in await store.curves()]
    except WrongStore as error:  # one order's trouble, not the driver's
        raise BadInput("params.curve_id", str(error)) from error
    raise unknown_curve(curve_id, asof, known)


def unknown_curve(curve_id: str, asof: str, known: list[CurveBody]) -> BadInput:
    """The refusal: other days of that name where there are any, else other names."""
    same = [one.curve_asof for one in known if one.curve_id == curve_id]
    if same:
        days = ", ".join(same[:_NAMED_MOST])
        return BadInput("params.curve_asof", f"there is no curve {curve_id} of {asof}; there is {days}")
    names = ", ".join(list(dict.fromkeys(one.curve_id for one in known))[:_NAMED_MOST])
    there_is = f"there is {names}" if names else "none is stored here: `sor curves build` makes one"
    return BadInput("params.curve_id", f"there is no curve {curve_id}; {there_is}")
