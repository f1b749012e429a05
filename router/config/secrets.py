"""Where keys come from: a file of the secrets directory, readable by its owner only, or the environment."""

import base64
import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from connectors.settings import Secret
from router.model.errors import BadInput
from router.model.ids import VenueId

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


def lab_credentials(venue: VenueId, ccxt_id: str) -> Mapping[str, Secret]:
    """The key of a lab venue. It opens nothing but a loopback exchange, so it is derived and no secret.

    Kraken's protocol wants the secret in base64; of the others it must not look like that, or ccxt takes coinbase's
    for an Ed25519 seed.
    """
    digest = hashlib.sha512(f"lab secret of {venue}".encode()).digest()
    text = base64.b64encode(digest).decode() if ccxt_id == "kraken" else digest.hex()
    return {"apiKey": Secret(f"lab-{venue}"), "secret": Secret(text)}
