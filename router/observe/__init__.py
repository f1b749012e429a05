"""One named function per fact worth knowing: log line and metric together."""

from router.observe.logs import open_log, silent
from router.observe.observe import Observe
from router.observe.redaction import Redactor

__all__ = ["Observe", "Redactor", "open_log", "silent"]
