"""Which frames a venue sends besides what we read: answers to subscriptions, beats, what else an account is told. Pure.

A frame that no decoder of ours takes is either one of these or of a kind that is new to us, which is worth a count. So
the lists are kept short: what stands here has been seen in recordings or is handled by ccxt's own class.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from connectors.ccxt_venue.decoders import Json

# By venue: field (a number is a place in a list, a point leads inside) and the words it may hold; none: any word.
_WORDS: Mapping[str, tuple[tuple[str, frozenset[str]], ...]] = MappingProxyType(
    {
        venue: tuple((field, frozenset(words.split())) for field, words in fields)
        for venue, fields in {
            "binance": (
                ("id", ""),
                ("e", "outboundAccountPosition balanceUpdate listStatus externalLockUpdate serverShutdown"),
                ("event.e", "outboundAccountPosition balanceUpdate listStatus externalLockUpdate serverShutdown"),
            ),
            "bitfinex": (
                ("event", "info conf auth subscribed unsubscribed pong"),
                ("1", "hb cs ps pn pu pc ws wu bu n te tu os on ou oc fos fcs fls miu fiu ats"),
            ),
            "bitget": (("event", "subscribe unsubscribe login pong"),),
            "bitstamp": (("event", "bts:subscription_succeeded bts:unsubscription_succeeded bts:heartbeat"),),
            "bybit": (("op", "subscribe unsubscribe auth ping pong"),),
            "coinbase": (("channel", "subscriptions heartbeats"), ("type", "error")),
            "coinbaseexchange": (("type", "subscriptions heartbeat status"),),
            "cryptocom": (("method", "public/heartbeat public/auth public/respond-heartbeat unsubscribe"),),
            "gate": (("event", "subscribe unsubscribe"), ("channel", "spot.pong spot.ping"), ("header.event", "login")),
            "gemini": (("type", "subscription_ack heartbeat trade"),),
            "htx": (("ping", ""), ("subbed", ""), ("unsubbed", ""), ("rep", ""), ("action", "ping req sub")),
            "kraken": (("channel", "heartbeat status pong"), ("method", "subscribe unsubscribe ping pong")),
            "kucoin": (("type", "welcome ack pong"),),
            "okx": (("event", "subscribe unsubscribe login error notice channel-conn-count"),),
        }.items()
    }
)
_SAME_AS = MappingProxyType({"binanceus": "binance"})
_TELLING = ("channel", "event", "type", "e", "topic", "ch", "method", "op", "action", "subject")
"""Fields by which venues name what a frame is."""
_PLAIN = re.compile(r"[\w.:/@#-]{1,40}")
_KEYS_MAX = 6


def is_familiar(ccxt_id: str, message: Json) -> bool:
    """Is this a frame we know and need not read? False where it is of a kind nobody here has met."""
    if ccxt_id == "cryptocom" and isinstance(message, dict) and message.get("method") == "subscribe":
        return "result" not in message  # data comes under the same word as the answer to a subscription
    words = _WORDS.get(_SAME_AS.get(ccxt_id, ccxt_id), ())
    return any(_holds(message, field.split("."), allowed) for field, allowed in words)


def named(message: Json) -> str:
    """By which words a frame can be known: what venues name a kind by, or the fields it has. Never a value of ours."""
    inner = message.get("event") if isinstance(message, dict) else None
    told = inner if isinstance(inner, dict) else message
    if not isinstance(told, dict):
        return f"a {type(message).__name__}" if not isinstance(message, list) else "a list"
    kinds = [f"{field}={told[field]}" for field in _TELLING if _is_word(told.get(field))]
    return " ".join(kinds) or f"fields {', '.join(_shown(told))}"


def _shown(keys: Iterable[object]) -> list[str]:
    """The first few names of fields, as far as they are words."""
    return [str(key) for key in keys if _is_word(key)][:_KEYS_MAX]


def _is_word(value: object) -> bool:
    return isinstance(value, str) and _PLAIN.fullmatch(value) is not None


def _holds(message: Json, path: list[str], allowed: frozenset[str]) -> bool:
    found = message
    for field in path:
        if isinstance(found, dict) and field in found:
            found = found[field]
        elif isinstance(found, list) and field.isdecimal() and int(field) < len(found):
            found = found[int(field)]
        else:
            return False
    return not allowed or (isinstance(found, str) and found in allowed)
