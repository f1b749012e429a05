"""Any instance of a model class, made from its type hints alone."""

import dataclasses
import enum
import types
import typing
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache

from hypothesis import strategies as st

DECIMALS = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        [Decimal("0.10"), Decimal("1E+3"), Decimal("-0"), Decimal("1e-28"), Decimal("123456789.123456789")]
    ),
)
INTEGERS = st.integers(min_value=-(2**63), max_value=2**63 - 1)
TEXTS = st.one_of(st.text(max_size=8), st.sampled_from(['"\\/\b\f\n\r\t\x00\x1f', "\u2028é😀", "NaN", "\x7f"]))


@cache
def anything_of(tp: object) -> st.SearchStrategy[object]:
    """A strategy for values of this type; raises for a type that has no meaning here."""
    if isinstance(tp, typing.NewType):
        return anything_of(tp.__supertype__)
    origin, args = typing.get_origin(tp), typing.get_args(tp)
    if tp is type(None):
        return st.none()
    if tp in SIMPLE:
        return SIMPLE[tp]
    if isinstance(tp, type) and issubclass(tp, enum.Enum):
        return st.sampled_from(list(tp))
    if dataclasses.is_dataclass(origin or tp):
        return instances(typing.cast("type", origin or tp), args)
    return containers(tp, origin, args)


def containers(tp: object, origin: object, args: tuple[object, ...]) -> st.SearchStrategy[object]:
    if isinstance(tp, type) and issubclass(tp, tuple) and hasattr(tp, "_fields"):
        return st.tuples(*map(anything_of, typing.get_type_hints(tp).values())).map(lambda values: tp(*values))
    if origin in {typing.Union, types.UnionType}:
        return st.one_of(*map(anything_of, args))
    if origin is tuple and not (len(args) == 2 and args[1] is Ellipsis):
        return st.tuples(*map(anything_of, args))
    if origin in {tuple, list, Sequence}:
        items = st.lists(anything_of(args[0]), max_size=2)
        return items if origin is list else items.map(tuple)
    if origin in {dict, Mapping}:
        return st.dictionaries(anything_of(args[0]), anything_of(args[1]), max_size=2)
    if origin in {set, frozenset}:
        return st.sets(anything_of(args[0]), max_size=2).map(origin)
    raise TypeError(tp)


@cache
def instances(cls: type, args: tuple[object, ...]) -> st.SearchStrategy[object]:
    """Instances of a dataclass; a generic one holds what its arguments say."""
    hints = typing.get_type_hints(cls)
    bound = dict(zip(getattr(cls, "__parameters__", ()), args, strict=bool(args)))
    fields = {field.name: hints[field.name] for field in dataclasses.fields(cls) if field.init}
    return st.deferred(
        lambda: st.builds(cls, **{name: anything_of(bound.get(hint, hint)) for name, hint in fields.items()})
    )


SIMPLE: dict[object, st.SearchStrategy[object]] = {
    str: TEXTS,
    int: INTEGERS,
    bool: st.booleans(),
    float: st.floats(allow_nan=False),
    Decimal: DECIMALS,
}
