"""Where log lines go and what they look like. One place, called once, by whoever starts the process."""

import logging
from typing import TextIO, cast

import structlog
from structlog.typing import FilteringBoundLogger, Processor

from router.observe.redaction import RedactingFilter, Redactor

_NOISY = ("ccxt", "aiohttp", "asyncio", "urllib3", "sqlalchemy", "alembic")
"""At DEBUG ccxt prints headers and bodies with keys in them: these stay at WARNING, whatever level is asked for."""


def open_log(stream: TextIO, *, level: str, json: bool, redactor: Redactor) -> FilteringBoundLogger:
    """A logger writing to `stream`; libraries' own loggers write there too, behind the same redaction."""
    _tame_libraries(stream, redactor)
    render: Processor = (
        structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    return cast(
        "FilteringBoundLogger",
        structlog.wrap_logger(
            structlog.PrintLogger(stream),
            wrapper_class=structlog.make_filtering_bound_logger(level),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
                redactor,  # after everything that adds text, before the text is made
                render,
            ],
            cache_logger_on_first_use=False,
        ),
    )


def silent() -> FilteringBoundLogger:
    """A logger that writes nothing, for commands that only read."""
    return cast(
        "FilteringBoundLogger",
        structlog.wrap_logger(
            structlog.PrintLogger(), wrapper_class=structlog.make_filtering_bound_logger("critical"), processors=[]
        ),
    )


def _tame_libraries(stream: TextIO, redactor: Redactor) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    handler.addFilter(RedactingFilter(redactor))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
