"""The release this is."""

from importlib import metadata

try:
    VERSION = metadata.version("crypto-sor")
except metadata.PackageNotFoundError:  # pragma: no cover - run from a checkout that was not installed
    VERSION = "0+checkout"
