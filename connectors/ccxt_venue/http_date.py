"""The time of venues that have no call for it: the `Date` header of an answer, to the second."""

from datetime import UTC
from email.utils import parsedate_to_datetime

from connectors.budget import NS_PER_S
from connectors.ccxt_venue.calls import AnswerUnusable
from connectors.ccxt_venue.clients import Exchange
from router.model.ids import Nanos


def date_of(exchange: Exchange) -> tuple[Nanos, int]:
    """What the last answer of an instance was dated, and the resolution. Another call's answer serves as well."""
    headers = {str(name).lower(): str(value) for name, value in (exchange.last_response_headers or {}).items()}
    try:
        moment = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        message = "the answer has no date"
        raise AnswerUnusable(message) from None
    return Nanos(int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()) * NS_PER_S), NS_PER_S
