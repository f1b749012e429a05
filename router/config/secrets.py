"""Where keys come from: a file of the secrets directory, readable by its owner only, or the environment."""

import os
import stat
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from connectors.settings import Secret
from router.model.errors import BadInput

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_SIZE_MAX = 64 * 1024


def secret(name: str, field: str, directory: Path) -> Secret:
    """The secret called `name`: `SOR_SECRET_<NAME>` if set, else the file of that name."""
    variable = f"SOR_SECRET_{name.upper().replace('-', '_')}"
    if variable in os.environ:
        return Secret(os.environ[variable])
    path = directory / name
    try:
        found = path.stat()
    except OSError:
        raise BadInput(field, f"there is neither a file {path} nor a variable {variable}") from None
    if not stat.S_ISREG(found.st_mode) or found.st_size > _SIZE_MAX:
        raise BadInput(field, f"{path} is not a file of at most 64 KiB")
    if found.st_mode & _OTHERS:
        raise BadInput(field, f"{path} can be read by others: chmod 600 it")
    text = path.read_text().strip()
    if not text:
        raise BadInput(field, f"{path} is empty")
    return Secret(text)


def kept_secret(name: str, directory: Path, make: Callable[[], str]) -> Secret:
    """A secret of our own: made the first time it is wanted, and kept in a file that only its owner can read."""
    path = directory / name
    if f"SOR_SECRET_{name.upper()}" not in os.environ and not path.exists():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _keep(path, make())
    return secret(name, name, directory)


def _keep(path: Path, text: str) -> None:
    """Whole or not at all, whenever we die: an empty file of that name would keep every later start from starting."""
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was quicker: its secret is as good
        except OSError:  # a file system without links: of two that are this quick the later one's is kept
            Path(draft).replace(path)
    finally:
        Path(draft).unlink(missing_ok=True)


def lab_credentials(ccxt_id: str) -> Mapping[str, Secret]:
    """The standing key of a lab venue. It opens nothing but a loopback exchange, so it is no secret."""
    from connectors.lab.protocols import PROTOCOLS  # noqa: PLC0415 - only a lab needs the lab

    protocol = PROTOCOLS.get(ccxt_id)
    if protocol is None:
        raise BadInput("ccxt_id", f"the lab does not speak {ccxt_id}; it speaks {', '.join(PROTOCOLS)}")
    key = protocol.default_keys()[0]
    passphrase = {"password": Secret(key.passphrase)} if key.passphrase else {}
    return {"apiKey": Secret(key.key), "secret": Secret(key.secret), **passphrase}
