"""Who may come in, as what, from where: every route against every role, and whoever is nobody."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import aiohttp
import pyotp
import pytest
import pytest_asyncio

from router.access import RULES, SECOND_FACTOR, Role
from router.api.routes import ROUTES, Route
from router.config import Mode
from router.identity import Directory, MadeKey
from tests.api.rig import LOOPBACK, Client, Office, answered, order

pytestmark = pytest.mark.asyncio(loop_scope="session")

PASSWORD = "correct horse battery"
OPEN = {"/livez", "/readyz", "/openapi.json", "/docs", "/docs.css", "/v1/session"}
"""What takes nobody in particular. Anything more is a decision."""


@dataclass(slots=True)
class Guarded:
    """The API where money is at stake: nobody is let in unasked, and some things take two."""

    client: Client
    directory: Directory
    first: MadeKey
    tokens: dict[Role, str]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def guarded(desk: Office) -> AsyncIterator[Guarded]:
    shown: list[MadeKey] = []
    router = replace(desk.router, config=replace(desk.router.config, mode=Mode.PAPER))
    async with answered(router, LOOPBACK, desk.stand, shown.append) as (client, directory):
        [first] = shown
        tokens = {role: await a_token(directory, role) for role in Role}
        yield Guarded(client, directory, first, tokens)


async def a_token(directory: Directory, role: Role) -> str:
    """A key, or the session of a person with a second factor where it takes one."""
    if role not in SECOND_FACTOR:
        await directory.add_user(role, frozenset({role}), frozenset({"desk"}), None, "test")
        return (await directory.add_key(role, "test", frozenset({role}), days=1, by="test")).text
    made = await directory.add_user(role, frozenset({role}), frozenset({"desk"}), PASSWORD, "test")
    code = pyotp.parse_uri(made.totp_uri).now()  # type: ignore[union-attr]
    return (await directory.log_in(role, PASSWORD, code)).text


def closed() -> list[Route]:
    return [route for route in ROUTES if route.action is not None]


async def test_only_what_is_named_here_is_open_to_anybody():
    """A new route is closed, or it is written down above."""
    assert {route.path for route in ROUTES if route.action is None} == OPEN


@pytest.mark.parametrize("role", list(Role))
async def test_every_route_against_a_role(guarded: Guarded, role: Role):
    """Whoever may gets past the door, whatever is behind it; whoever may not is told so first of all."""
    for route in (one for one in closed() if one.method != "DELETE"):  # which ends the session: at the end of this file
        assert route.action is not None
        status = await status_of(guarded.client.by(guarded.tokens[role]), route)
        may = role in RULES[route.action]
        assert (status != 403) is may, (route.name, role, status)
        assert status != 401
        assert status < 500 or route.path in {"/v1/books", "/v1/estimate"}


async def status_of(client: Client, route: Route) -> int:
    """What a request that is hardly well-formed comes to; a stream is left at once."""
    path = re.sub(r"\{\w+\}", "nobody", route.path)
    headers = {"Authorization": f"Bearer {client.key}", "Idempotency-Key": "00000000-matrix"}
    body = {"json": {}} if route.body is not None else {}
    async with client.session.request(route.method, client.url + path, headers=headers, **body) as answer:
        return answer.status


async def test_nobody_comes_in_without_a_key_that_is_good(guarded: Guarded):
    """None, noise, another scheme, one letter changed: 401, and never a word of which it was."""
    key = guarded.tokens[Role.VIEWER]
    wrong = ["Bearer x", "Bearer ", f"Basic {key}", f"Bearer {key[:-1]}{'0' if key[-1] != '0' else '1'}", "Bearer ü"]
    said = [await guarded.client.get("/v1/orders", headers={"Authorization": one}) for one in wrong]
    said.append(await guarded.client.get("/v1/orders"))

    assert {(one.status, one.code) for one in said} == {(401, "not_known")}
    assert len({one.data["detail"] for one in said[:-1]}) == 1
    assert said[0].headers["WWW-Authenticate"] == "Bearer"


async def test_the_first_start_s_key_is_over_when_there_is_an_administrator(guarded: Guarded):
    """It was given out because nobody was there; the matrix above has made an administrator since."""
    assert (await guarded.client.by(guarded.first.text).get("/v1/me")).status == 401


async def test_a_person_comes_in_by_cookie_and_a_page_of_another_site_does_nothing_with_it(guarded: Guarded):
    """The cookie is out of scripts' reach and not sent by other sites; without the CSRF token it changes nothing."""
    await guarded.directory.add_user("tia", frozenset({Role.TRADER}), frozenset({"desk"}), PASSWORD, "test")
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        client = Client(guarded.client.url, browser)
        assert (await client.ask("POST", "/v1/session", json={"name": "tia", "password": "wrong"})).status == 401
        said = await client.ask("POST", "/v1/session", json={"name": "tia", "password": PASSWORD})
        cookie = said.headers["Set-Cookie"]
        assert all(word in cookie for word in ("HttpOnly", "SameSite=Strict", "Path=/"))
        assert PASSWORD not in str(said.data)

        assert (await client.get("/v1/me")).data["person"] == "user/tia"
        refused = await client.post("/v1/orders", order("C1"))
        assert (refused.status, refused.code) == (403, "other_site")
        csrf = {"X-CSRF-Token": said.data["csrf"]}
        for foreign in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example"}):
            assert (await client.post("/v1/orders", order("C1"), headers=csrf | foreign)).status == 403
        assert (await client.get("/v1/orders/C1")).status == 404
        assert (await client.post("/v1/orders", order("C1", "0.001"), headers=csrf)).status == 201
        assert (await client.ask("DELETE", "/v1/session", headers=csrf)).status == 200
        assert (await client.get("/v1/me", headers={"Cookie": cookie.partition(";")[0]})).status == 401


@pytest.mark.parametrize("role", [Role.SUBMITTER, Role.APPROVER])
async def test_a_halt_that_cancels_everything_takes_whoever_may_cancel_everything(guarded: Guarded, role: Role):
    """By this route as by the other one, and nothing of it is done."""
    client = guarded.client.by(guarded.tokens[role])
    said = await client.post("/v1/halt", {"level": "CANCEL_ALL", "reason": "fire"})
    assert (said.status, said.code) == (403, "not_allowed")
    assert (await client.post("/v1/orders/cancel-all")).status == 403
    assert not (await client.get("/v1/halt")).data["halted"]


async def test_going_on_after_a_halt_takes_two_people(guarded: Guarded):
    """The one who proposes cannot agree; another risk_admin can; then it is a request like any other."""
    risk = guarded.client.by(guarded.tokens[Role.RISK_ADMIN])
    assert (await risk.post("/v1/halt", {"reason": "fire"})).status == 202
    change = (await risk.post("/v1/halt/resume", {"reason": "out"})).data["change"]
    own = await risk.post(f"/v1/changes/{change['id']}/approve")
    assert (own.status, "another person" in own.data["detail"]) == (403, True)

    made = await guarded.directory.add_user("rob", frozenset({Role.RISK_ADMIN}), frozenset({"desk"}), PASSWORD, "test")
    code = pyotp.parse_uri(made.totp_uri).now()  # type: ignore[union-attr]
    second = guarded.client.by((await guarded.directory.log_in("rob", PASSWORD, code)).text)
    agreed = await second.post(f"/v1/changes/{change['id']}/approve")
    assert (agreed.status, agreed.data["state"], agreed.data["decided_by"]) == (200, "APPROVED", "user/rob")
    assert (await second.post("/v1/changes/none/reject")).status == 404
    assert [one for one in (await second.get("/v1/changes")).data["items"] if one["id"] == change["id"]]


async def test_another_owner_s_orders_are_not_there(guarded: Guarded):
    """A trader of another entity may nothing here."""
    await guarded.directory.add_user("eve", frozenset({Role.TRADER}), frozenset({"fund"}), None, "test")
    key = (await guarded.directory.add_key("eve", "x", frozenset({Role.TRADER}), days=1, by="test")).text
    said = await guarded.client.by(key).get("/v1/orders")
    assert (said.status, "for desk" in said.data["detail"]) == (403, True)


async def test_in_the_lab_on_loopback_the_demo_user_needs_no_login(desk: Office):
    """And may no more than trade; a key that is wrong is not the demo user."""
    me = (await desk.client.get("/v1/me")).data
    assert (me["name"], "admin" in me["roles"], "approver" in me["roles"]) == ("demo", False, False)
    assert (await desk.client.by("sork_nonsense").get("/v1/me")).status == 401
    assert (await desk.client.get("/v1/me", headers={"Host": "evil.example"})).status == 403


@pytest.mark.parametrize("name", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"])
async def test_whoever_comes_through_a_proxy_is_not_the_demo_user(desk: Office, name: str):
    """It reaches us from loopback, and may stand for anybody."""
    assert (await desk.client.get("/v1/me", headers={name: "198.51.100.7"})).status == 401


async def test_another_name_of_this_server_does_not_reach_the_demo_user(desk: Office):
    """What is asked by the name of a host is not asked on this machine only."""
    async with answered(desk.router, replace(LOOPBACK, hosts=("desk.example",)), desk.stand) as (client, _):
        assert (await client.get("/v1/me", headers={"Host": "desk.example"})).status == 401
        assert (await client.get("/v1/me")).status == 200


async def test_who_asks_too_often_waits(desk: Office):
    """429 with Retry-After, per key; and it never reaches the table."""
    async with answered(desk.router, replace(LOOPBACK, rate_per_s=5), desk.stand) as (client, _):
        said = await asyncio.gather(*(client.get("/v1/me") for _ in range(30)))
    assert {one.status for one in said} == {200, 429}
    assert sum(one.status == 200 for one in said) <= 15
    assert all(int(one.headers["Retry-After"]) >= 1 for one in said if one.status == 429)


@pytest.mark.parametrize("role", list(Role))
async def test_everybody_may_go_out_and_is_out_then(guarded: Guarded, role: Role):
    """A session is over at once; a key is ended by an administrator, and not by whoever has it."""
    client = guarded.client.by(guarded.tokens[role])
    assert (await client.ask("DELETE", "/v1/session")).status == 200
    assert (await client.get("/v1/me")).status == (401 if role in SECOND_FACTOR else 200)
