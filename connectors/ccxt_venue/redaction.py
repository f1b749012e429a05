"""Keeps keys, signatures and tokens out of logs and errors.

ccxt logs whole requests at DEBUG and puts the signed URL into its exceptions. So its loggers are pinned at WARNING,
`verbose` cannot be configured, and what its exceptions say is never passed on: only their class is.
"""

import logging

_LOGGERS = ("ccxt", "ccxt.base.exchange", "ccxt.async_support", "ccxt.pro")


def quiet_ccxt() -> None:
    """Pin ccxt's loggers at WARNING, whatever the root logger is set to."""
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


def name_of(error: BaseException) -> str:
    """An error by its class and its cause's: what it says may hold a signed URL."""
    cause = error.__cause__
    own = type(error).__name__
    return own if cause is None else f"{own} ({type(cause).__name__})"
