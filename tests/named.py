"""Tests that other tests, and the tables they hold, call by name."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@cache
def _functions(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


def is_a_test(node_id: str) -> bool:
    """Is there such a test? `tests/x/test_y.py::test_z`, without parameters."""
    path, _, name = node_id.partition("::")
    return name.startswith("test_") and (ROOT / path).is_file() and name in _functions(path)
