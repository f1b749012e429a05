"""Model objects as versioned JSON and back, without loss and without guessing.

A dataclass is an object tagged with its class name and version, `{"t":"FillBooked","v":1,...}`; its fields follow their
type hints. Decimals are text, so no digit is lost; enums are their value; a NamedTuple is an array of its fields; a
tuple or list an array; a mapping an array of [key, value] in its own order, because a state that is iterated must come
back in the order it had; a set a sorted array; a float (snapshots only) the text of its `repr`; an integer fits 64
bits.

One object has one spelling, byte for byte, whether orjson is installed or not: keys sorted, no blanks, UTF-8. The
journal's hashes rest on that.

Shapes change like this: a field added with a default needs nothing, its absence means the default. Any other change
raises the class's `VERSION` (1 where it says none) and adds an upcaster for the version before. A payload that is newer
than the code, or has fields the code does not know, is refused: nothing is silently dropped.
"""

import dataclasses
import json
import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType, ModuleType

from router.journal.converters import CodecError, Compiled, Context, compile_class
from router.model import (
    archive,
    balances,
    baskets,
    commands,
    events,
    facts,
    fill_chances,
    instruments,
    keys,
    market,
    orders,
    outcomes,
    policies,
    requests,
    resolutions,
    terms,
)

try:
    import orjson
except ImportError:  # pragma: no cover - the base install works without it, to the same bytes
    orjson = None  # type: ignore[assignment]

Json = dict[str, object]
Upcaster = Callable[[Json], Json]
"""From one version of a class's JSON to the next; may also rename the class. The result says which version it is."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")

MODEL_MODULES: tuple[ModuleType, ...] = (
    archive,
    balances,
    baskets,
    commands,
    events,
    facts,
    fill_chances,
    instruments,
    keys,
    market,
    orders,
    outcomes,
    policies,
    requests,
    resolutions,
    terms,
)


class Codec:
    """An explicit set of dataclasses and how each is written. Converters are compiled once, here."""

    def __init__(self, classes: Iterable[type], upcasters: Mapping[tuple[str, int], Upcaster] | None = None) -> None:
        self._upcasters = dict(upcasters or {})
        self._compiled: dict[str, Compiled] = {}
        self._encoders: dict[type, Callable[[object], Json]] = {}
        self._decoders: dict[str, Callable[[Json], object]] = {}
        classes = tuple(classes)
        _refuse_namesakes(classes)
        for cls in classes:
            compiled = compile_class(cls, Context(self._encoders, self._decoders, self._decode_one_of, self._mend))
            self._compiled[cls.__name__] = compiled
            self._encoders[cls] = compiled.encode
            self._decoders[cls.__name__] = compiled.decode
        for compiled in self._compiled.values():
            compiled.link(self._compiled)

    def encode(self, obj: object) -> Json:
        """The object as plain JSON values. Raises `CodecError` for a class that is not registered."""
        encoder = self._encoders.get(type(obj))
        if encoder is None:
            raise CodecError(f"{type(obj).__name__} is not in this codec's registry")
        try:
            return encoder(obj)
        except (KeyError, AttributeError, TypeError, ValueError) as error:
            raise CodecError(f"{type(obj).__name__} holds something its type hints do not say: {error!r}") from error

    def decode(self, data: Json) -> object:
        """The object this JSON stands for. Raises `CodecError` when it is not one we know how to read."""
        return self._decode_one_of(data, self._decoders)

    def dumps(self, obj: object) -> bytes:
        """The object's one spelling in bytes."""
        return canonical(self.encode(obj))

    def loads(self, raw: bytes | str) -> object:
        """The object spelt by `raw`."""
        return self.decode(parse(raw))

    def knows(self, cls: type) -> bool:
        """Is the class registered?"""
        return cls in self._encoders

    def _decode_one_of(self, data: object, table: Mapping[str, Callable[[Json], object]]) -> object:
        """Decode by tag, where only the tags in `table` may stand."""
        if not isinstance(data, dict):
            raise CodecError(f"an object with a tag was expected, not {type(data).__name__}")
        decoder = table.get(data.get("t"))  # type: ignore[arg-type]
        if decoder is None:
            data = self._upcast(data)
            decoder = table.get(str(data.get("t")))
        if decoder is None:
            raise CodecError(f"{data.get('t')!r} cannot stand here; expected one of {', '.join(sorted(table))}")
        return decoder(data)

    def _mend(self, name: str, data: object) -> Json:
        """The data in the class's own version, absent fields filled with their defaults; `CodecError` otherwise."""
        if not isinstance(data, dict):
            raise CodecError(f"{name}: an object was expected, not {type(data).__name__}")
        data = self._upcast(data)
        compiled = self._compiled[name]
        if data.get("t") != name or data.get("v") != compiled.version:
            raise CodecError(
                f"{name} version {compiled.version} was expected, not {data.get('t')!r} version {data.get('v')!r}"
            )
        mended = {**compiled.defaults, **data}
        if mended.keys() != compiled.keys:
            missing, unknown = sorted(compiled.keys - mended.keys()), sorted(mended.keys() - compiled.keys)
            raise CodecError(f"{name} version {compiled.version}: missing fields {missing}, unknown fields {unknown}")
        return mended

    def _upcast(self, data: Json) -> Json:
        """Apply upcasters until there is none for what we have."""
        while True:
            step = self._upcasters.get((str(data.get("t")), data.get("v")))  # type: ignore[arg-type]
            if step is None:
                return data
            data = step(dict(data))


def codec_of(*modules: ModuleType, upcasters: Mapping[tuple[str, int], Upcaster] | None = None) -> Codec:
    """A codec for every dataclass defined in these modules."""
    return Codec((cls for module in modules for cls in dataclasses_of(module)), upcasters)


def dataclasses_of(module: ModuleType) -> tuple[type, ...]:
    """The dataclasses a module defines (not those it imports), in the order of their names."""
    return tuple(
        cls
        for _, cls in sorted(vars(module).items())
        if isinstance(cls, type) and dataclasses.is_dataclass(cls) and cls.__module__ == module.__name__
    )


def canonical(data: object) -> bytes:
    """JSON values in their one spelling: keys sorted, no blanks, UTF-8."""
    if orjson is not None:
        try:
            return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
        except TypeError as error:
            if "surrogate" not in str(error):
                raise CodecError(f"cannot be written as JSON: {error}") from error
    # Venues' texts can hold half a surrogate pair; orjson will not write that, JSON escapes can.
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return _LONE_SURROGATE.sub(lambda hit: f"\\u{ord(hit[0]):04x}", text).encode()


def parse(raw: bytes | str) -> Json:
    """A JSON object. Raises `CodecError` for anything else."""
    try:
        data = _parsed(raw)
    except ValueError as error:
        raise CodecError(f"not JSON: {error}") from error
    if not isinstance(data, dict):
        raise CodecError(f"a JSON object was expected, not {type(data).__name__}")
    return data


def _parsed(raw: bytes | str) -> object:
    if orjson is not None:
        try:
            return orjson.loads(raw)
        except ValueError:
            pass  # half a surrogate pair, see above; the standard library raises by itself for what is not JSON
    return json.loads(raw)


def _refuse_namesakes(classes: tuple[type, ...]) -> None:
    seen: dict[str, type] = {}
    for cls in classes:
        if seen.setdefault(cls.__name__, cls) is not cls:
            raise CodecError(
                f"two classes are called {cls.__name__}: {seen[cls.__name__].__module__} and {cls.__module__}"
            )


UPCASTERS: Mapping[tuple[str, int], Upcaster] = MappingProxyType({})
"""Older shapes of model classes, by (class name, version). None yet."""

MODEL = codec_of(*MODEL_MODULES, upcasters=UPCASTERS)
"""Everything in `router.model`. The engine builds its own for snapshots: `codec_of(*MODEL_MODULES, state_module)`."""

encode = MODEL.encode
decode = MODEL.decode
dumps = MODEL.dumps
loads = MODEL.loads
