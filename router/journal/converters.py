"""Turns a dataclass's type hints into two functions, object -> JSON values and back.

They are written as source and compiled, as `dataclasses` itself does: this is on the way between decision and wire, and
a loop over fields with a call per value takes several times as long. A type it cannot write without guessing is
refused when the codec is built, not when the first such object appears.
"""

import dataclasses
import decimal
import typing
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType

from router.model.errors import SorError

Json = dict[str, object]
Decoders = Mapping[str, Callable[[Json], object]]

_PLAIN = (str, int, bool)
_SEQUENCES = {list: "{}", tuple: "tuple({})", Sequence: "tuple({})"}
_SETS = {set: "set({})", frozenset: "frozenset({})", AbstractSet: "frozenset({})"}
_MAPPINGS = (dict, Mapping, MutableMapping)

_decimal_text = decimal.Context(capitals=1).to_sci_string
"""`str(decimal)`, but deaf to the ambient context, which ccxt changes."""


class CodecError(SorError):
    """The object or payload is not one this code knows how to write or read."""


@dataclasses.dataclass(slots=True)
class Compiled:
    """One class's converters. `defaults` are the JSON values of fields that may be absent."""

    cls: type
    version: int
    keys: frozenset[str]
    encode: Callable[[object], Json]
    decode: Callable[[Json], object]
    defaults: Json
    _scope: dict[str, object]
    _links: list[tuple[str, str, tuple[type, ...]]]

    def link(self, known: "Mapping[str, Compiled]") -> None:
        """Fill in the converters of other classes, once all are compiled."""
        for name, kind, classes in self._links:
            found = [_known(known, cls, self.cls) for cls in classes]
            if kind == "encode":
                self._scope[name] = found[0].encode
            elif kind == "decode":
                self._scope[name] = found[0].decode
            else:
                self._scope[name] = {one.cls.__name__: one.decode for one in found}
        for field in dataclasses.fields(self.cls):
            default = _default_of(field)
            if default is not dataclasses.MISSING:
                self.defaults[field.name] = typing.cast("Callable[[object], object]", self._scope[f"_f_{field.name}"])(
                    default
                )


class Context(typing.NamedTuple):
    """What one class's converters need of the codec they belong to."""

    encoders: Mapping[type, Callable[[object], Json]]
    decoders: Decoders
    decode_one_of: Callable[[object, Decoders], object]
    mend: Callable[[str, object], Json]


def compile_class(cls: type, context: Context) -> Compiled:
    """Write and compile the converters of one dataclass. `link` has to be called before they are used."""
    return _Writer(cls, context).compiled()


class _Writer:
    """Writes one class's two functions."""

    def __init__(self, cls: type, context: Context) -> None:
        self._cls = cls
        self._links: list[tuple[str, str, tuple[type, ...]]] = []
        self._count = 0
        self._scope: dict[str, object] = {
            "_cls": cls,
            "_encoders": context.encoders,
            "_decoders": context.decoders,
            "_one_of": context.decode_one_of,
            "_mend": context.mend,
            "_text": _decimal_text,
            "_Decimal": Decimal,
            "_set": object.__setattr__,
            "_key": _sort_key,
            "_error": CodecError,
            "_fail": _fail,
        }

    def compiled(self) -> Compiled:
        cls = self._cls
        version = getattr(cls, "VERSION", 1)
        hints = typing.get_type_hints(cls)
        fields = dataclasses.fields(cls)
        taken = {"t", "v"} & {field.name for field in fields}
        if taken:
            raise CodecError(f"{cls.__name__}: a field cannot be called {taken.pop()}, that is the tag's name")
        types = {field.name: hints[field.name] for field in fields}
        source = "\n".join(
            [
                self._encode_source(types, version),
                self._decode_source(fields, types, version),
                *(f"def _f_{name}(x):\n return {self._write(tp, 'x')}" for name, tp in types.items()),
            ]
        )
        # S102: compiling is the point, see the module's first lines; nothing but our own type hints goes into it.
        exec(compile(source, f"<codec of {cls.__name__}>", "exec"), self._scope)  # noqa: S102
        return Compiled(
            cls=cls,
            version=version,
            keys=frozenset({"t", "v", *types}),
            encode=typing.cast("Callable[[object], Json]", self._scope["_encode"]),
            decode=typing.cast("Callable[[Json], object]", self._scope["_decode"]),
            defaults={},
            _scope=self._scope,
            _links=self._links,
        )

    def _encode_source(self, types: Mapping[str, object], version: int) -> str:
        lines = ["def _encode(o):"]
        pairs = {"t": repr(self._cls.__name__), "v": repr(version)}
        for name, tp in types.items():
            lines.append(f" x_{name} = o.{name}")
            pairs[name] = self._write(tp, f"x_{name}")
        # Sorted here, so that sorting again when it is spelt out finds nothing to do.
        lines.append(" return {" + ", ".join(f"{key!r}: {pairs[key]}" for key in sorted(pairs)) + "}")
        return "\n".join(lines)

    def _decode_source(
        self, fields: Sequence["dataclasses.Field[object]"], types: Mapping[str, object], version: int
    ) -> str:
        name = self._cls.__name__
        reads = {field.name: self._read(types[field.name], f"d[{field.name!r}]") for field in fields}
        as_written = f"d.get('t') != {name!r} or d.get('v') != {version} or len(d) != {len(types) + 2}"
        lines = [
            "def _decode(d):",
            f" if d.__class__ is not dict or {as_written}:",
            f"  d = _mend({name!r}, d)",
            " try:",
            "  o = _cls(" + ", ".join(f"{field.name}={reads[field.name]}" for field in fields if field.init) + ")",
        ]
        lines += [f"  _set(o, {field.name!r}, {reads[field.name]})" for field in fields if not field.init]
        lines += [
            " except _error:",
            "  raise",
            " except (KeyError, TypeError, ValueError, ArithmeticError, IndexError, AttributeError) as e:",
            f"  _fail({name!r}, e)",
            " return o",
        ]
        return "\n".join(lines)

    def _write(self, tp: object, var: str) -> str:
        """Source that turns the value of type `tp` held by `var` into JSON values."""
        tp = _plain_type(tp)
        if tp in _PLAIN or tp is NoneType:
            return var
        if tp is Decimal:
            return f"_text({var})"
        if tp is float:
            return f"repr({var})"
        if isinstance(tp, typing.TypeVar):
            return f"_encoders[{var}.__class__]({var})"
        if _is_enum(tp):
            return f"{var}._value_"
        if dataclasses.is_dataclass(tp):
            return f"{self._link('encode', (typing.cast('type', tp),))}({var})"
        return self._write_container(tp, var)

    def _write_container(self, tp: object, var: str) -> str:
        if _is_named_tuple(tp):
            hints = typing.get_type_hints(tp)
            return "[" + ", ".join(self._write(hints[name], f"{var}[{i}]") for i, name in enumerate(hints)) + "]"
        origin, args = typing.get_origin(tp), typing.get_args(tp)
        if origin in (typing.Union, UnionType):
            return self._write_union(args, var)
        if origin is tuple and not _is_open(args):
            return "[" + ", ".join(self._write(arg, f"{var}[{i}]") for i, arg in enumerate(args)) + "]"
        if origin in _SEQUENCES:
            return self._each(args[0], var)
        if origin in _SETS:
            return f"sorted({self._each(args[0], var)}, key=_key)"
        if origin in _MAPPINGS:
            key, value = self._name("k"), self._name("m")
            return f"[[{self._write(args[0], key)}, {self._write(args[1], value)}] for {key}, {value} in {var}.items()]"
        raise CodecError(self._cannot(tp))

    def _write_union(self, args: tuple[object, ...], var: str) -> str:
        some, optional = self._members(args)
        if len(some) == 1:
            inner = self._write(some[0], var)
        elif all(arg in _PLAIN for arg in some):
            inner = var
        else:
            inner = f"_encoders[{var}.__class__]({var})"
        return inner if not optional or inner == var else f"(None if {var} is None else {inner})"

    def _each(self, tp: object, var: str) -> str:
        item = self._name("i")
        inner = self._write(tp, item)
        return f"list({var})" if inner == item else f"[{inner} for {item} in {var}]"

    def _read(self, tp: object, var: str) -> str:
        """Source that turns the JSON value held by `var` into a value of type `tp`."""
        tp = _plain_type(tp)
        if tp in _PLAIN:
            return f"{self._checked(typing.cast('type', tp))}({var})"
        if tp is Decimal:
            return f"_Decimal({var})"
        if tp is float:
            return f"float({self._checked(str)}({var}))"
        if isinstance(tp, typing.TypeVar):
            return f"_one_of({var}, _decoders)"
        if _is_enum(tp):
            name = self._name("enum")
            self._scope[name] = {member.value: member for member in typing.cast("type[Enum]", tp)}
            return f"{name}[{var}]"
        if dataclasses.is_dataclass(tp):
            return f"{self._link('decode', (typing.cast('type', tp),))}({var})"
        return self._read_container(tp, var)

    def _read_container(self, tp: object, var: str) -> str:
        if _is_named_tuple(tp):
            hints = typing.get_type_hints(tp)
            name = self._name("tuple")
            self._scope[name] = tp
            return (
                f"{name}(" + ", ".join(self._read(hints[field], f"{var}[{i}]") for i, field in enumerate(hints)) + ")"
            )
        origin, args = typing.get_origin(tp), typing.get_args(tp)
        if origin in (typing.Union, UnionType):
            return self._read_union(args, var)
        if origin is tuple and not _is_open(args):
            return "(" + "".join(self._read(arg, f"{var}[{i}]") + ", " for i, arg in enumerate(args)) + ")"
        item = self._name("j")
        for shapes in (_SEQUENCES, _SETS):
            if origin in shapes:
                return shapes[origin].format(
                    f"[{self._read(args[0], item)} for {item} in {self._checked(list)}({var})]"
                )
        if origin in _MAPPINGS:
            pair = f"{self._read(args[0], f'{item}[0]')}: {self._read(args[1], f'{item}[1]')}"
            return f"{{{pair} for {item} in {self._checked(list)}({var})}}"
        raise CodecError(self._cannot(tp))

    def _read_union(self, args: tuple[object, ...], var: str) -> str:
        some, optional = self._members(args)
        if len(some) == 1:
            inner = self._read(some[0], var)
        elif all(arg in _PLAIN for arg in some):
            inner = var
        else:
            inner = f"_one_of({var}, {self._link('one of', typing.cast('tuple[type, ...]', some))})"
        return f"(None if {var} is None else {inner})" if optional else inner

    def _members(self, args: tuple[object, ...]) -> tuple[tuple[object, ...], bool]:
        """The members of a union beside None, and whether None is one. Only what can be told apart may be united."""
        some = tuple(plain for arg in args if (plain := _plain_type(arg)) is not NoneType)
        if len(some) > 1 and not (all(arg in _PLAIN for arg in some) or all(map(dataclasses.is_dataclass, some))):
            raise CodecError(self._cannot(args))
        return some, len(some) < len(args)

    def _checked(self, tp: type) -> str:
        """Name of a function that lets only exactly this JSON type pass."""
        name = f"_is_{tp.__name__}"
        if name not in self._scope:
            self._scope[name] = _passing(tp)
        return name

    def _link(self, kind: str, classes: tuple[type, ...]) -> str:
        name = self._name("link")
        self._links.append((name, kind, classes))
        return name

    def _name(self, stem: str) -> str:
        self._count += 1
        return f"_{stem}{self._count}"

    def _cannot(self, tp: object) -> str:
        return f"{self._cls.__name__}: the codec has no way to write {tp}"


def _plain_type(tp: object) -> object:
    """`NewType`s and `Annotated`s are what they stand for; a generic dataclass is its class."""
    while isinstance(tp, typing.NewType):
        tp = tp.__supertype__
    origin = typing.get_origin(tp)
    if origin is typing.Annotated:
        return _plain_type(typing.get_args(tp)[0])
    return origin if isinstance(origin, type) and dataclasses.is_dataclass(origin) else tp


def _is_enum(tp: object) -> bool:
    return isinstance(tp, type) and issubclass(tp, Enum)


def _is_named_tuple(tp: object) -> bool:
    return isinstance(tp, type) and issubclass(tp, tuple) and hasattr(tp, "_fields")


def _is_open(args: tuple[object, ...]) -> bool:
    """Is it `tuple[X, ...]`?"""
    return len(args) == 2 and args[1] is Ellipsis  # noqa: PLR2004 - the X and the dots


def _default_of(field: "dataclasses.Field[object]") -> object:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _known(known: Mapping[str, Compiled], cls: type, user: type) -> Compiled:
    found = known.get(cls.__name__)
    if found is None or found.cls is not cls:
        raise CodecError(f"{user.__name__} holds a {cls.__name__}, which is not in the registry")
    return found


def _passing(tp: type) -> Callable[[object], object]:
    def check(value: object) -> object:
        if value.__class__ is not tp:
            raise TypeError(f"{tp.__name__} expected, not {value!r}")
        return value

    return check


def _fail(name: str, error: Exception) -> typing.NoReturn:
    raise CodecError(f"{name}: {type(error).__name__}: {error}") from error


def _sort_key(value: object) -> tuple[str, object]:
    """Text, numbers and arrays of them, each in its own order."""
    return (type(value).__name__, value if isinstance(value, str | int) else repr(value))
