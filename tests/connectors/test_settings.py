"""Settings refuse what would undo a promise, and secrets do not show."""

import json
import pickle

import pytest

from connectors.ccxt_venue.registry import dialect_of
from connectors.settings import Secret
from router.model.errors import BadInput
from tests.connectors.rig import settings_for

CANARY = "canary-5f1b2a"


def test_a_secret_shows_itself_nowhere():
    secret = Secret(CANARY)
    assert CANARY not in f"{secret} {secret!r} {secret!s:>50} {[secret]} { ({'k': secret}) }"
    for leak in (lambda: pickle.dumps(secret), lambda: json.dumps(secret)):
        with pytest.raises(TypeError) as caught:
            leak()
        assert CANARY not in str(caught.value)
    assert secret.reveal() == CANARY
    assert secret == Secret(CANARY)


def test_settings_do_not_show_their_keys():
    settings = settings_for("binance", None, {"apiKey": CANARY, "secret": CANARY})
    assert CANARY not in repr(settings)


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1:80",
        "http://example.org",
        "https://127.0.0.1:1",
        "http://user@127.0.0.1:1",
        "http://127.0.0.1.example.org",
    ],
)
def test_only_this_machine_can_stand_in_for_a_venue(url):
    with pytest.raises(BadInput):
        settings_for("binance", url, {})


@pytest.mark.parametrize("url", ["http://127.0.0.1:8701", "http://127.9.9.9:1", "http://localhost:8701"])
def test_loopback_needs_the_switch(url):
    assert settings_for("binance", url, {}).in_lab
    with pytest.raises(BadInput, match="switch"):
        settings_for("binance", url, {}, loopback_allowed=False)


@pytest.mark.parametrize("key", ["urls", "verbose", "enableRateLimit", "session", "hostname", "apiKey"])
def test_constructor_keys_that_are_the_routers_own_are_refused_by_name(key):
    with pytest.raises(BadInput) as caught:
        settings_for("binance", None, {}, client_options={key: True})
    assert caught.value.field == f"venues.binance.client_options.{key}"


def test_an_unknown_venue_is_named():
    with pytest.raises(BadInput, match="mtgox is not supported"):
        dialect_of("mtgox")
