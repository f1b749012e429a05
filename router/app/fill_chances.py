"""Learned fill chances as text: named by their content, kept, looked up when a driver is told to reckon with them."""

import hashlib
from dataclasses import replace
from typing import cast

from router.journal import codec
from router.model.errors import BadInput, WrongStore
from router.model.fill_chances import FillChances
from router.store import JournalStore

_NAME = "fill-"
_DIGITS = 12
_NAMED_MOST = 8


def named(chances: FillChances) -> FillChances:
    """The set under the version that its content makes."""
    digest = hashlib.sha256(codec.dumps(replace(chances, version=""))).hexdigest()
    return replace(chances, version=f"{_NAME}{digest[:_DIGITS]}")


def text_of(chances: FillChances) -> str:
    """As it is kept."""
    return codec.dumps(chances).decode()


def chances_of_text(text: str) -> FillChances:
    """As it was kept. Raises `CodecError`."""
    return cast("FillChances", codec.loads(text.encode()))


async def chosen_chances(store: JournalStore, version: str | None) -> FillChances | None:
    """The set of that version. Raises `BadInput` for one that is not kept here, which says what there is instead."""
    if version is None:
        return None
    try:
        text = await store.chances(version)
        if text is not None:
            return chances_of_text(text)
        known = [chances_of_text(one).version for one in await store.all_chances()]
    except WrongStore as error:
        raise BadInput("learned.fill", str(error)) from error
    there_is = (
        f"there is {', '.join(known[:_NAMED_MOST])}" if known else "none is kept here: `sor learn fill` makes one"
    )
    raise BadInput("learned.fill", f"there is no set {version}; {there_is}")
