"""A venue's addresses in ccxt, moved to a server on this machine: same paths, another host."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from connectors.ccxt_venue.clients import Adapted

Json = Any


def moved(client_class: type[Adapted], base: str) -> dict[str, Json]:
    """`urls.api` and the host names of a ccxt class, every one of them at `base` (`http://127.0.0.1:8701`)."""
    described = client_class.describe(object.__new__(client_class))  # type: ignore[attr-defined]
    target = urlsplit(base.rstrip("/"))
    urls = {"api": _moved(described["urls"]["api"], target.netloc)}
    names = described["urls"].get("hostnames")
    if isinstance(names, Mapping):
        urls["hostnames"] = dict.fromkeys(names, target.netloc)
    return {"urls": urls, "hostname": target.netloc}


def _moved(urls: Json, host: str) -> Json:
    if isinstance(urls, Mapping):
        return {name: _moved(each, host) for name, each in urls.items()}
    if not isinstance(urls, str) or "://" not in urls:
        return urls
    scheme, _, rest = urls.partition("://")
    path = rest.partition("/")[2]
    return f"{'ws' if scheme.startswith('ws') else 'http'}://{host}" + (f"/{path}" if path else "")
