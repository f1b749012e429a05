"""The rules of docs/ARCHITECTURE.md as functions from a source tree to sentences about what breaks them.

They read syntax trees and import nothing, so a planted sample in a temporary folder is judged as the project is.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("router", "connectors", "policies")

PURE_ABOVE_ENGINE = (
    "router.model",
    "router.ports",
    "router.book",
    "router.split",
    "policies",
    "router.risk",
    "router.orders",
    "router.balances",
    "router.reconcile",
    "router.conservation",
    "router.baskets",
)

ROOMS: dict[str, tuple[str, ...]] = {
    "router.model": (),
    "router.ports": ("router.model",),
    "router.book": ("router.model",),
    "router.split": ("router.model", "router.book"),
    "router.learn": ("router.model", "router.split"),
    "router.curves": ("router.model",),
    "policies": ("router.model", "router.ports"),
    "router.risk": ("router.model", "router.orders", "router.balances"),
    "router.orders": ("router.model",),
    "router.balances": ("router.model", "router.orders"),  # reads what a child reserves and spent
    "router.reconcile": ("router.model", "router.orders", "router.balances"),
    "router.conservation": ("router.model", "router.orders"),
    "router.rebalance": ("router.model",),
    "router.baskets": ("router.model", "router.orders", "router.balances"),
    "router.tca": ("router.model", "router.book", "router.split"),
    "router.evaluation": ("router.model", "router.ports", "router.book", "router.split", "router.learn", "policies"),
    "router.engine": (*PURE_ABOVE_ENGINE, "router.learn"),
    "router.journal": ("router.model", "router.ports"),
    "router.store": ("router.model", "router.ports", "router.journal"),
    "router.access": ("router.model",),
    "router.identity": ("router.model", "router.access", "router.store"),
    "router.market_record": ("router.model", "router.book", "router.store"),
    "router.observe": ("router.model",),
    "router.requests": ("router.model", "router.orders"),
    "router.runtime": (*PURE_ABOVE_ENGINE, "router.learn", "router.engine", "router.journal", "router.observe"),
    "connectors": ("router.model", "router.ports"),
    "router.simulate": (
        *PURE_ABOVE_ENGINE,
        "router.learn",
        "router.engine",
        "router.journal",
        "router.store",
        "router.observe",
        "router.requests",
        "router.runtime",
        "connectors",
    ),
    "router.web": ("router.model", "router.journal"),
    "router.api": (
        "router.model",
        "router.access",
        "router.identity",
        "router.requests",
        "router.journal",
        "router.store",
        "router.observe",
    ),
    "router.statistics": (),
    "router.whose": (),
}
"""Room -> what it may import of ours, itself aside."""

FREE = ("router.config", "router.app", "router.cli", "router.drill")
"""Rooms that may import everything."""

PURE = (
    *PURE_ABOVE_ENGINE,
    "router.engine",
    "router.tca",
    "router.evaluation",
    "router.learn",
    "router.curves",
    "router.access",
    "connectors.lab.core",
    "router.rebalance",
)
MONEY = (
    "router.model",
    "router.orders",
    "router.balances",
    "router.risk",
    "router.reconcile",
    "router.conservation",
    "router.baskets",
    "router.engine",
    "router.tca",
    "router.learn",
    "router.curves",
    "router.journal",
    "router.store",
    "router.market_record",
    "policies",
    "connectors.lab.core",
    "router.rebalance",
)
"""Rooms where a number is money or becomes money. Books and the splitter's search hold floats on purpose."""

IMPURE_MODULES = frozenset(
    "asyncio concurrent contextvars ctypes fcntl getpass glob http io logging mmap multiprocessing os pathlib platform "
    "queue sched secrets select selectors shutil signal socket sqlite3 ssl subprocess sys tempfile threading time "
    "urllib uuid zoneinfo".split()
)
IMPURE_BUILTINS = frozenset({"open", "print", "input", "exec", "eval", "hash", "id", "breakpoint", "__import__"})
"""`hash` and `id` differ between processes; the others are I/O or code from nowhere."""

CLOCKS = frozenset(
    (owner, call)
    for owner in ("datetime", "date", "time")
    for call in ("now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter")
)

ROUNDING_HOME = "router/model/rounding.py"
DECIMAL_CONTEXTS_HOME = "router/model/money.py"
ROUNDING_ROOMS = (*PURE, "router.journal", "router.store", "router.runtime", "connectors.ccxt_venue")
ROUNDING_METHODS = frozenset({"quantize", "to_integral", "to_integral_value", "to_integral_exact"})
ROUNDING_FUNCTIONS = frozenset({"round"})
ROUNDING_MATH = frozenset({"floor", "ceil", "trunc"})

TOP_LEVEL = frozenset(
    "pyproject.toml router connectors policies tests config.yaml README.md Makefile requirements.lock "
    "requirements-dev.lock docs bench CHANGELOG.md LICENSE CONTRIBUTING.md SECURITY.md".split()
)
MADE_BY_TOOLS = frozenset({"build", "dist", "__pycache__"})


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file: where it stands, what it is called when imported, and its tree."""

    path: str
    module: str
    tree: ast.Module

    def within(self, rooms: tuple[str, ...]) -> bool:
        return any(self.module == room or self.module.startswith(f"{room}.") for room in rooms)

    def at(self, node: ast.AST, what: str) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {what}"


def sources(root: Path) -> list[Source]:
    return [_source(root, path) for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]


def _source(root: Path, path: Path) -> Source:
    relative = path.relative_to(root)
    parts = relative.with_suffix("").parts
    module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Source(str(relative), module, ast.parse(path.read_text(), str(relative)))


def imported(source: Source) -> Iterator[tuple[ast.AST, str]]:
    """Every module a file names in an import, wherever in the file it stands."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parent = source.module.split(".")
                kept = parent[: len(parent) - node.level + source.path.endswith("__init__.py")]
                base = ".".join([*kept, base] if base else kept)
            yield node, base
            if base in PACKAGES:  # `from router import engine` names a room only in its second half
                yield from ((node, f"{base}.{alias.name}") for alias in node.names)


def room_of(module: str) -> str:
    """`router.book.ladder` -> `router.book`; the two single-storey packages are one room each."""
    parts = module.split(".")
    return parts[0] if parts[0] != "router" else ".".join(parts[:2])


def rooms(files: list[Source]) -> set[str]:
    """The rooms there are. The first storey, `router/__init__.py`, is none: everybody's imports pass through it."""
    return {room_of(source.module) for source in files} - {"router"}


def imports_out_of_bounds(files: list[Source]) -> list[str]:
    """Rooms import only what the table allows; a room that is not in it may import nothing of ours."""
    found = []
    for source in files:
        room = room_of(source.module)
        if room in FREE:
            continue
        allowed = {room, *ROOMS.get(room, ())}
        for node, name in imported(source):
            target = room_of(name)
            if name.split(".")[0] in PACKAGES and name not in PACKAGES and target not in allowed:
                found.append(source.at(node, f"{room} may not import {target}"))
    return found


def impurities(files: list[Source]) -> list[str]:
    """Pure rooms know no clock, no chance of their own, no I/O, no await, and nothing outside the standard library."""
    found = []
    for source in files:
        if not source.within(PURE):
            continue
        found += [source.at(node, f"pure room imports {name}") for node, name in _impure_imports(source)]
        for node in ast.walk(source.tree):
            found += [source.at(node, text) for text in _impure(node, asynchronous=source.within(("router.ports",)))]
    return found


def _impure_imports(source: Source) -> Iterator[tuple[ast.AST, str]]:
    for node, name in imported(source):
        top = name.split(".")[0]
        ours = top in PACKAGES
        if not ours and (top in IMPURE_MODULES or top not in sys.stdlib_module_names):
            yield node, name
        if isinstance(node, ast.ImportFrom) and name == "random":
            yield from ((node, f"random.{alias.name}") for alias in node.names if alias.name != "Random")


def _impure(node: ast.AST, *, asynchronous: bool) -> Iterator[str]:
    match node:
        case ast.AsyncFunctionDef() | ast.Await() | ast.AsyncFor() | ast.AsyncWith() if not asynchronous:
            yield "pure room awaits"
        case ast.Attribute(value=ast.Name(id="random"), attr=attr) if attr != "Random":
            yield f"pure room uses random.{attr}: take a seeded random.Random as an argument"
        case ast.Call(func=ast.Attribute(value=ast.Name(id="random"), attr="Random"), args=[], keywords=[]):
            yield "pure room makes an unseeded random.Random"
        case ast.Call(func=ast.Name(id="Random"), args=[], keywords=[]):
            yield "pure room makes an unseeded Random"
        case ast.Call(func=ast.Name(id=name)) if name in IMPURE_BUILTINS:
            yield f"pure room calls {name}()"
        case ast.Call(func=ast.Attribute(value=owner, attr=attr)) if (_name(owner), attr) in CLOCKS:
            yield f"pure room reads a clock: {_name(owner)}.{attr}()"
        case ast.Global():
            yield "pure room has a mutable global"


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def rounding_elsewhere(files: list[Source]) -> list[str]:
    """One module rounds."""
    found = []
    for source in files:
        if source.path == ROUNDING_HOME or not source.within(ROUNDING_ROOMS):
            continue
        for node in ast.walk(source.tree):
            text = _rounds(node)
            if text and not (source.path == DECIMAL_CONTEXTS_HOME and text == "names a rounding mode"):
                found.append(source.at(node, text))
    return found


def _rounds(node: ast.AST) -> str | None:
    match node:
        case ast.Call(func=ast.Attribute(attr=attr)) if attr in ROUNDING_METHODS:
            return f"rounds with .{attr}()"
        case ast.Call(func=ast.Name(id=name)) if name in ROUNDING_FUNCTIONS:
            return f"rounds with {name}()"
        case ast.Attribute(value=ast.Name(id="math"), attr=attr) if attr in ROUNDING_MATH:
            return f"rounds with math.{attr}"
        case ast.Attribute(attr=attr) if attr.startswith("ROUND_"):
            return "names a rounding mode"
        case ast.ImportFrom(names=names) if any(alias.name.startswith("ROUND_") for alias in names):
            return "names a rounding mode"
    return None


def floats_in_money(files: list[Source]) -> list[str]:
    """No float() where money is held."""
    return [
        source.at(node, "float() in a room that holds money")
        for source in files
        if source.within(MONEY)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float"
    ]


def importers(files: list[Source], package: str) -> set[str]:
    """Paths of the files that import `package`."""
    return {source.path for source in files for _, name in imported(source) if name.split(".")[0] == package}


def ccxt_outside_its_adapter(files: list[Source]) -> list[str]:
    """Only the adapter package talks to ccxt."""
    return [
        f"{path}: imports ccxt" for path in importers(files, "ccxt") if not path.startswith("connectors/ccxt_venue/")
    ]


def tenacity_in_many_places(files: list[Source]) -> list[str]:
    """One module retries."""
    using = sorted(importers(files, "tenacity"))
    return [f"{path}: imports tenacity, as another module does" for path in using] if len(using) > 1 else []


def approvals_outside_risk(files: list[Source]) -> list[str]:
    """`Approved` is made by risk and by nothing else."""
    return [
        source.at(node, "makes an Approved")
        for source in files
        if not source.within(("router.risk",))
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and _called(node.func) == "Approved"
    ]


def _called(func: ast.expr) -> str:
    return _called(func.value) if isinstance(func, ast.Subscript) else _name(func)


def strange_top_level(root: Path) -> list[str]:
    """The repository's top level holds what the customer and a repository need, and nothing else."""
    return [
        f"{entry.name}: not part of the layout"
        for entry in sorted(root.iterdir())
        if entry.name not in TOP_LEVEL | MADE_BY_TOOLS
        and not entry.name.startswith(".")
        and not entry.name.endswith((".egg-info", ".db", ".db-wal", ".db-shm"))
    ]
