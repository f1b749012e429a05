"""A basket as its owner hands it in: JSON, YAML, or a CSV of legs; told apart by how it begins."""

import csv
import io
from pathlib import Path
from typing import Any

from router.app.offers import offered
from router.cli.order_file import start_of
from router.config import Config
from router.config.load import parsed
from router.model.errors import BadInput
from router.requests import BasketBody, legs_of
from router.requests.baskets import parse_basket
from router.requests.documents import SIZE_MAX, fields

_HEADER = "instrument"
"""A CSV's first line names its columns, and this is one of them."""
_WHAT = "basket"


def read_basket(path: Path, ref_id: str | None, *, nameless: str | None = None) -> BasketBody:
    """The basket in a file; `-` is standard input. `ref_id` where the file has none, `nameless` where nobody gives one.

    Raises `BadInput`.
    """
    try:
        text = start_of(path, SIZE_MAX)
    except OSError as error:
        raise BadInput(_WHAT, f"{path} cannot be read ({type(error).__name__})") from None
    data = _fields(text)
    if ref_id is not None and data.setdefault("ref_id", ref_id) != ref_id:
        raise BadInput("ref_id", f"is given twice: {data['ref_id']} and {ref_id}")
    if nameless is not None:
        data.setdefault("ref_id", nameless)
    return parse_basket(data)


def _fields(text: bytes) -> dict[str, Any]:
    if text.lstrip().startswith(b"{"):
        return fields(text, _WHAT)
    if len(text) > SIZE_MAX:
        raise BadInput(_WHAT, f"is longer than {SIZE_MAX // 1024} KiB")
    try:
        plain = text.decode()
    except UnicodeDecodeError:
        raise BadInput(_WHAT, "is not UTF-8 text") from None
    first = plain.lstrip().partition("\n")[0]
    names = [name.strip() for name in first.split(",")]
    return _of_csv(plain) if _HEADER in names else parsed(plain, _WHAT)


def _of_csv(text: str) -> dict[str, Any]:
    """One leg a line; an empty cell is a field that is not given. What binds the legs stays at its default."""
    rows = csv.reader(io.StringIO(text.lstrip()), strict=True)
    try:
        names, *lines = [[cell.strip() for cell in row] for row in rows if row]
    except csv.Error as error:
        raise BadInput(_WHAT, f"is not CSV: {error}") from None
    if len(set(names)) != len(names):
        raise BadInput(_WHAT, "names a column twice")
    for number, cells in enumerate(lines, start=1):
        if len(cells) != len(names):
            raise BadInput(f"legs.{number}", f"has {len(cells)} cells, and there are {len(names)} columns")
    legs = [{name: cell for name, cell in zip(names, cells, strict=True) if cell} for cells in lines]
    return {"legs": legs}


def tradable(body: BasketBody, config: Config) -> BasketBody:
    """The same basket, if this deployment can trade it at all. Raises `BadInput`: better here than half-way."""
    legs_of(body, config.deployment, config.entity, "", offered(config))
    return body
