"""`sor learn`: a set that says what it was built from, kept under the name its content makes, off until named."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from router.app.fill_chances import chosen_chances
from router.cli.commands import app
from router.model.errors import BadInput
from router.store import open_store

Sor = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def sor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sor:
    """Run `sor … --json` in a folder of its own: exit code, document, standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOR_DATABASE", f"sqlite:///{tmp_path / 'sor.db'}")

    def run(*arguments: str) -> tuple[int, Any, str]:
        done = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
        return done.exit_code, json.loads(done.stdout), done.stderr

    return run


def test_without_a_database_there_is_nothing_to_learn_from(sor: Sor) -> None:
    code, said, _ = sor("learn", "fill")
    assert (code, said["field"]) == (2, "database")


def test_a_set_is_kept_under_its_content_and_shown(sor: Sor, tmp_path: Path) -> None:
    """The same again is the same version; one that nobody kept is refused with those there are."""
    url = f"sqlite:///{tmp_path / 'sor.db'}"

    async def make() -> None:
        await (await open_store(url, "lab")).close()

    async def chosen(version: str | None) -> Any:
        store = await open_store(url, "lab")
        try:
            return await chosen_chances(store, version)
        finally:
            await store.close()

    asyncio.run(make())
    code, built, said = sor("learn", "fill")
    assert code == 0, said
    assert built["built_from"] == "0 own orders in 0 journal rows, no recorded books"
    assert (built["cells"], built["prior"]) == ([], "0.98")
    assert sor("learn", "fill")[1] == built
    assert sor("learn", "list")[1] == [
        {"version": built["version"], "built_from": built["built_from"], "in_use": False}
    ]
    assert sor("learn", "show", built["version"])[1] == built
    assert sor("learn", "show", "fill-0")[0] == 2
    assert asyncio.run(chosen(built["version"])).version == built["version"]
    assert asyncio.run(chosen(None)) is None
    with pytest.raises(BadInput, match=f"there is no set fill-0; there is {built['version']}"):
        asyncio.run(chosen("fill-0"))
