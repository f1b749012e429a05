"""What must not be seen is taken out of every line before it is written, wherever in the line it stands."""

import logging
import re
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

MASK = "****"
_NAMES = re.compile(
    r"(?i)(api[-_]?key|secret|password|passphrase|private[-_]?key|token|signature|authorization|cookie|api-sign)"
)
# `apiKey=...`, `"secret": "..."`, `signature: ...` inside a text somebody else composed: a URL, a body, a header dump.
# Authorization comes as two words, so it is taken to the end of what holds it.
_IN_TEXT = re.compile(
    r"(?i)((?:api[-_]?key|secret|password|passphrase|private[-_]?key|token|signature|api-sign)[\"']?\s*[=:]\s*[\"']?)"
    r"[^\s&\"',}]+"
)
_AUTHORIZATION = re.compile(r"(?i)(authorization[\"']?\s*[=:]\s*[\"']?)[^\"'\n,}]+")
_URL_LOGIN = re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://[^/\s:@]*:)[^@\s/]+@")
_SHORTEST = 6
"""A shorter secret would blank innocent words; no venue issues one."""


class Redactor:
    """Knows the secrets of this process by value, and how secrets are called."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: set[str] = set()
        self._known: re.Pattern[str] | None = None
        self.learn(secrets)

    def __repr__(self) -> str:
        return "Redactor()"

    def learn(self, secrets: Iterable[str]) -> None:
        """Further secrets: keys may be replaced while we run. None is forgotten."""
        self._forms |= {form for secret in secrets for form in _forms(secret) if len(form) >= _SHORTEST}
        # Longest first: a secret that contains another must not leave its rest behind.
        ordered = sorted(self._forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def text(self, text: str) -> str:
        """The text without a secret in it."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        text = _URL_LOGIN.sub(rf"\1{MASK}@", text)
        text = _AUTHORIZATION.sub(rf"\1{MASK}", text)
        return _IN_TEXT.sub(rf"\1{MASK}", text)

    def value(self, value: object) -> object:
        """Any value as it may be logged: containers are walked, strangers are shown by their masked text."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {str(key): MASK if _NAMES.search(str(key)) else self.value(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(inner) for inner in value]
        return self.text(str(value))

    def __call__(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ANN401
        """Act as a structlog processor."""
        return {key: MASK if _NAMES.search(key) else self.value(value) for key, value in event.items()}


def _forms(secret: str) -> tuple[str, ...]:
    """A key of several lines (PEM) also appears with its line ends escaped, and line by line."""
    lines = [line for line in secret.splitlines() if not line.startswith("-----")]
    return (secret, secret.replace("\n", "\\n"), *lines)


class RedactingFilter(logging.Filter):
    """The same, for the loggers of libraries."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Never drops a record; rewrites it whole, traceback included."""
        record.msg = self._redactor.text(record.getMessage())
        record.args = ()
        if record.exc_info:
            record.exc_text = self._redactor.text(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True
