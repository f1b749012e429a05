"""Chance that is written down: the n-th number of a stored seed is the same in every process."""

import hashlib

MILLION = 1_000_000


def drawn(seed: int, purpose: str, number: int) -> int:
    """A whole number from 0 to 999,999, spread evenly. `purpose` keeps two uses of one seed apart."""
    digest = hashlib.sha256(f"{seed}|{purpose}|{number}".encode()).digest()
    return int.from_bytes(digest[:8]) % MILLION


def either_way(seed: int, purpose: str, number: int) -> int:
    """A whole number from -999,999 to 999,999, spread evenly."""
    return 2 * drawn(seed, purpose, number) - MILLION + 1
