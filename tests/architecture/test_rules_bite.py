"""Each rule is able to fail: a planted sample in a small tree is found."""

from pathlib import Path

import pytest

from tests.architecture import rules


def plant(root: Path, path: str, text: str) -> list[rules.Source]:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return rules.sources(root)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("router/model/x.py", "from router.book import ladder"),
        ("router/book/x.py", "import router.engine.core"),
        ("router/split/x.py", "from router import engine"),
        ("policies/x.py", "def f():\n    from router.orders import blotter"),
        ("router/engine/x.py", "from ..journal import rows"),
        ("router/runtime/x.py", "from connectors.lab import serve"),
        ("connectors/x.py", "from router.engine import Engine"),
        ("router/risk.py", "from router.engine import Engine"),
        ("router/nowhere/x.py", "from router.model import ids"),
        ("router/__init__.py", "from router.model import ids"),
    ],
)
def test_an_import_out_of_bounds_is_found(tmp_path: Path, path: str, text: str):
    """Absolute, relative, late and package-level imports are all seen."""
    assert len(rules.imports_out_of_bounds(plant(tmp_path, path, text))) == 1


def test_a_room_nobody_named_is_found(tmp_path: Path):
    """It is one of the rooms there are, so the comparison with the table fails."""
    assert rules.rooms(plant(tmp_path, "router/nowhere.py", "x = 1")) == {"router.nowhere"}


def test_an_allowed_import_is_not_reported(tmp_path: Path):
    """The rule tells neighbours from strangers."""
    files = plant(
        tmp_path, "router/engine/x.py", "from router.split import plan\nfrom .core import y\nimport policies.sweep"
    )

    assert rules.imports_out_of_bounds(files) == []


@pytest.mark.parametrize(
    "text",
    [
        "import asyncio",
        "import logging",
        "from time import time_ns",
        "import os.path",
        "import threading",
        "import uuid",
        "import secrets",
        "import numpy",
        "import pydantic",
        "import random\nrandom.random()",
        "from random import choice",
        "import random\nr = random.Random()",
        "from random import Random\nr = Random()",
        "from datetime import datetime\ndatetime.now()",
        "import datetime\ndatetime.datetime.now()",
        "open('x')",
        "print('x')",
        "hash('x')",
        "async def f(): ...",
        "def f():\n    global x\n    x = 1",
    ],
)
@pytest.mark.parametrize("room", ["router/engine", "connectors/lab/core"])
def test_an_impurity_is_found(tmp_path: Path, room: str, text: str):
    """Clock, chance, I/O, await and strangers do not get into a pure room."""
    assert rules.impurities(plant(tmp_path, f"{room}/x.py", text))


def test_a_seeded_generator_is_pure(tmp_path: Path):
    """A seed is an argument like any other."""
    assert rules.impurities(plant(tmp_path, "router/split/x.py", "import random\nr = random.Random(7)")) == []


@pytest.mark.parametrize(
    "text",
    [
        "x.quantize(y)",
        "x.to_integral_value()",
        "round(x, 2)",
        "import math\nmath.floor(x)",
        "import decimal\ndecimal.ROUND_UP",
        "from decimal import ROUND_DOWN",
    ],
)
def test_rounding_elsewhere_is_found(tmp_path: Path, text: str):
    """Only one module rounds."""
    assert rules.rounding_elsewhere(plant(tmp_path, "router/split/x.py", text))
    assert rules.rounding_elsewhere(plant(tmp_path / "home", rules.ROUNDING_HOME, text)) == []


def test_a_float_in_a_money_room_is_found(tmp_path: Path):
    """Money never passes through binary floating point."""
    assert rules.floats_in_money(plant(tmp_path, "router/orders/x.py", "float(x)"))


def test_ccxt_outside_the_adapter_is_found(tmp_path: Path):
    """One package knows ccxt."""
    assert rules.ccxt_outside_its_adapter(plant(tmp_path, "connectors/lab/x.py", "import ccxt.pro"))


def test_a_second_retrying_module_is_found(tmp_path: Path):
    """One module retries."""
    plant(tmp_path, "connectors/a.py", "import tenacity")

    assert len(rules.tenacity_in_many_places(plant(tmp_path, "connectors/b.py", "from tenacity import retry"))) == 2


@pytest.mark.parametrize("text", ["Approved(value=1)", "Approved[int](value=1)", "orders.Approved(value=1)"])
def test_an_approval_outside_risk_is_found(tmp_path: Path, text: str):
    """Nothing but risk says that an order was checked."""
    assert rules.approvals_outside_risk(plant(tmp_path, "router/engine/x.py", text))
    assert rules.approvals_outside_risk(plant(tmp_path / "home", "router/risk/x.py", text)) == []


def test_a_stranger_at_the_top_level_is_found(tmp_path: Path):
    """A fourth package would be noticed."""
    (tmp_path / "utils").mkdir()

    assert rules.strange_top_level(tmp_path) == ["utils: not part of the layout"]
