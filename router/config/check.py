"""`sor config check`: everything that is wrong with a configuration, each by its field. Connects to nothing."""

import copy
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_settings import SettingsError

from connectors.settings import Secret, VenueSettings
from router.config.load import (
    beyond_one_replica,
    database_url,
    folder_of,
    fx_policy,
    paper_settings,
    parsed,
    problems,
    read,
    shared_keys,
    venue_settings,
)
from router.config.schema import File, VenueSection
from router.config.secrets import secret
from router.config.sentences import all_bad_input
from router.config.settings import Mode
from router.model.errors import BadInput
from router.ports import Clock

T = TypeVar("T")
_OTHER_VARIABLES = ("SOR_CONFIG", "SOR_SECRET_", "SOR_DATA_DIR", "SOR_TEST_", "SOR_REQUIRE_")


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """What a check found. `mode` and `venues` as far as they could be read; `secrets_read` is how many keys are there.

    `partly`: something else may be wrong that could not be judged before this is mended.
    """

    mode: Mode | None
    venues: tuple[str, ...]
    secrets_read: int
    problems: tuple[BadInput, ...]
    partly: bool = False


def check(path: Path | None, clock: Clock) -> Checked:
    """Read the file at `path` (None: the built-in lab), the environment and every secret it names."""
    found: list[BadInput] = list(_unknown_variables())
    try:
        content = parsed(read(path))
    except BadInput as error:
        return Checked(mode=None, venues=(), secrets_read=0, problems=(*found, error), partly=True)
    file = _file(content, found)
    if file is None:
        return Checked(mode=None, venues=(), secrets_read=0, problems=tuple(found), partly=True)
    partly = bool(found)
    secrets_read = _judge(file, folder_of(path), clock, found)
    fields: dict[str, BadInput] = {}
    for problem in found:
        fields.setdefault(str(problem), problem)
    return Checked(
        mode=Mode(file.mode),
        venues=tuple(file.venues),
        secrets_read=secrets_read,
        problems=tuple(fields.values()),
        partly=partly,
    )


def _file(content: dict[str, Any], found: list[BadInput]) -> File | None:
    """The settings; where some are not well-formed, those are named and the rest is judged without them."""
    content = copy.deepcopy(content)
    for _ in range(2):
        try:
            return File(**content)
        except SettingsError as error:
            found.append(BadInput("environment", str(error).splitlines()[0]))
            return None
        except ValidationError as error:
            found.extend(all_bad_input(error, File, "config", "a setting", hide="keys"))
            places = [each["loc"] for each in error.errors(include_url=False)]
            taken_out = [_take_out(content, place) for place in places]
            if ("mode",) in places or not all(taken_out):
                return None
    return None


def _take_out(content: Any, place: tuple[int | str, ...]) -> bool:  # noqa: ANN401 - whatever the file holds
    """Take the entry out, or the nearest section that can be found around it; False where there is none."""
    *sections, last = [part for part in place if part != "[key]"] or [""]
    for part in sections:
        inner = content.get(part) if isinstance(content, dict) else None
        if not isinstance(inner, dict):
            last = part
            break
        content = inner
    return isinstance(content, dict) and content.pop(last, _NOTHING) is not _NOTHING


_NOTHING = object()


def _judge(file: File, folder: Path, clock: Clock, found: list[BadInput]) -> int:
    """Everything that can be said of well-formed settings; how many secrets could be read."""
    mode = Mode(file.mode)
    found.extend(problems(file))
    venues: list[VenueSettings] = []
    secrets_read = 0
    for name, section in file.venues.items():
        keys = {} if mode is Mode.PAPER else _secrets(file, name, section, folder, found)
        secrets_read += len(keys)
        bare = section.model_copy(update={"keys": {}})
        venue = _tried(lambda: venue_settings(file, mode, name, bare, folder), found)  # noqa: B023 - called at once
        if venue is not None:
            venues.append(replace(venue, credentials=keys or venue.credentials))
            found.extend(_unfit(venue, clock))
    found.extend(shared_keys(venues))
    found.extend(beyond_one_replica(file, mode, venues))
    if len(venues) == len(file.venues):  # else a rate whose venue is named above would be named as well
        for asset, rule in file.fx.items():
            _tried(lambda: fx_policy({asset: rule}, venues), found)  # noqa: B023 - called at once
    if _tried(lambda: database_url(file, mode, folder), found) is not None:
        _tried(lambda: paper_settings(file, mode, folder), found)
    return secrets_read


def _secrets(file: File, name: str, section: VenueSection, folder: Path, found: list[BadInput]) -> dict[str, Secret]:
    directory = folder / file.secrets_dir.expanduser()
    read = {}
    for key, held_by in section.keys.items():
        one = _tried(lambda: secret(held_by, f"venues.{name}.keys.{key}", directory), found)  # noqa: B023 - called at once
        if one is not None:
            read[key] = one
    return read


def _unfit(venue: VenueSettings, clock: Clock) -> Iterator[BadInput]:
    """Is there a connector for it, and does the exchange have the fence that is relied on? Nothing is connected."""
    from connectors.ccxt_venue import CcxtVenue  # noqa: PLC0415 - brings ccxt with it

    try:
        CcxtVenue(venue, clock)
    except BadInput as error:
        prefix = "" if error.field.startswith("venues.") else f"venues.{venue.venue}."
        yield BadInput(f"{prefix}{error.field}", error.message)


def _unknown_variables() -> Iterator[BadInput]:
    """A variable that overrules nothing is most likely a misspelt one."""
    for name in sorted(os.environ):
        if not name.startswith("SOR_") or name.startswith(_OTHER_VARIABLES):
            continue
        field = name.removeprefix("SOR_").partition("__")[0].lower()
        if field not in File.model_fields:
            yield BadInput("environment", f"{name} overrules nothing: `{field}` is not a setting")


def _tried(work: Callable[[], T], found: list[BadInput]) -> T | None:
    try:
        return work()
    except BadInput as error:
        found.append(error)
        return None
