"""Settings refuse what would undo a promise, and secrets do not show."""

import json
import pickle

import pytest

from connectors.ccxt_venue.registry import DIALECTS, dialect_of
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


OWN_KEYS = [
    *("urls", "hostname", "verbose", "enableRateLimit", "session", "apiKey", "secret", "number", "timeout", "headers"),
    *("lab_only", "pem_keys", "frame", "proxy", "proxyUrl", "proxy_url", "proxyUrlCallback", "httpProxy", "http_proxy"),
    *("httpsProxy", "https_proxy", "socksProxy", "socks_proxy", "wsProxy", "ws_proxy", "wssProxy", "wsSocksProxy"),
    *("aiohttp_proxy", "aiohttp_trust_env", "trust_env", "verify", "ssl_context", "fetch", "sign", "nonce", "anything"),
]


@pytest.mark.parametrize("key", OWN_KEYS)
def test_constructor_keys_that_are_the_routers_own_are_refused_by_name(key):
    """Every key but the few on the list: ccxt would set an attribute for it."""
    with pytest.raises(BadInput, match="router's own; options, cafile, userAgent may be set") as caught:
        settings_for("binance", None, {}, client_options={key: False})
    assert caught.value.field == f"venues.binance.client_options.{key}"


@pytest.mark.parametrize("key", ["ws", "maxRetriesOnFailure", "timeDifference", "sandboxMode"])
def test_switches_that_undo_a_promise_are_refused_by_name(key):
    with pytest.raises(BadInput, match="router's own") as caught:
        settings_for("binance", None, {}, client_options={"options": {key: 3}})
    assert caught.value.field == f"venues.binance.client_options.options.{key}"


def test_switches_of_the_venue_may_be_set():
    options = {"options": {"broker": {"spot": "x-abc"}}, "userAgent": "desk/1", "cafile": "/etc/ca.pem"}
    assert settings_for("binance", None, {}, client_options=options).client_options == options
    for wrong in ({"options": "all"}, {"cafile": 3}, {"userAgent": {}}):
        with pytest.raises(BadInput, match="must be"):
            settings_for("binance", None, {}, client_options=wrong)


@pytest.mark.parametrize("ccxt_id", sorted(DIALECTS))
def test_no_key_of_a_clients_configuration_opens_a_lab_account(ccxt_id):
    """Even past the settings: what keeps a lab account on this machine is set after ccxt has set its attributes."""
    client = DIALECTS[ccxt_id]().client_class({"lab_only": False, "pem_keys": None}, lab_only=True)
    assert client.lab_only is True
    assert client.pem_keys == {}


def test_an_unknown_venue_is_named():
    with pytest.raises(BadInput, match="mtgox is not supported"):
        dialect_of("mtgox")
