"""Keys as their files hold them now: they may be replaced while the router runs."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from connectors.settings import Secret, VenueSettings
from router.config.secrets import secret
from router.model.errors import BadInput
from router.model.ids import AccountId

Stat = tuple[int, int, int, int]


class Keyring:
    """The keys of all accounts of one process. `on_read` is told every secret before anybody uses it."""

    def __init__(
        self, venues: Sequence[VenueSettings], directory: Path, on_read: Callable[[Sequence[str]], None]
    ) -> None:
        self._directory = directory
        self._on_read = on_read
        self._venues = {venue.account: venue for venue in venues}
        self._held: dict[AccountId, Mapping[str, Secret]] = {venue.account: venue.credentials for venue in venues}
        self._seen: dict[AccountId, Mapping[str, Stat | None]] = {}

    def reader(self, account: AccountId) -> Callable[[], Mapping[str, Secret]] | None:
        """Reads an account's key anew; None where no file holds it."""
        return (lambda: self._read(account)) if self._venues[account].key_names else None

    def _read(self, account: AccountId) -> Mapping[str, Secret]:
        """As the files are now, read only when one of them was touched. Raises `BadInput`."""
        names = self._venues[account].key_names
        stats = {name: _stat(self._directory / name) for name in names.values()}
        if stats == self._seen.get(account):
            return self._held[account]
        found = {
            key: secret(name, f"venues.{self._venues[account].venue}.keys.{key}", self._directory)
            for key, name in names.items()
        }
        self._on_read([each.reveal() for each in found.values()])
        self._check_own(account, found)
        self._held[account], self._seen[account] = found, stats
        return found

    def _check_own(self, account: AccountId, found: Mapping[str, Secret]) -> None:
        """One key is one account's, also when it comes late."""
        mine = self._venues[account]
        for other, held in self._held.items():
            same_venue = other != account and self._venues[other].ccxt_id == mine.ccxt_id and not mine.in_lab
            if same_venue and found.get("apiKey") is not None and held.get("apiKey") == found["apiKey"]:
                raise BadInput(f"venues.{mine.venue}.keys.apiKey", f"is the key of {other} too")


def _stat(path: Path) -> Stat | None:
    """What changes when a file does, be it written, replaced or linked elsewhere."""
    try:
        found = os.stat(path)  # noqa: PTH116 - follows links, as mounted secrets are
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode
