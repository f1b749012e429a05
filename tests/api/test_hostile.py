"""What nobody should send: never a 5xx, never half-done, never run where it is shown."""

import asyncio
import json
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.api.routes import ROUTES
from tests.api.rig import Client, Office, order

SHARED = pytest.mark.asyncio(loop_scope="session")
HTML = "<script>alert(1)</script>"
BODIES: dict[str, tuple[bytes, int]] = {
    "no json": (b"{", 400),
    "not an object": (b"[]", 400),
    "a name twice": (b'{"ref_id":"a","ref_id":"b"}', 400),
    "no number": (b'{"ref_id":"a","base_quantity":NaN}', 400),
    "too deep": (b'{"a":' * 50 + b"1" + b"}" * 50, 400),
    "very deep": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400),
    "lists as deep as a reader goes": (b'{"a":' + b"[" * 900 + b"]" * 900 + b"}", 400),
    "no utf-8": (b'{"ref_id":"\xff\xfe"}', 400),
    "a number for an amount": (json.dumps(order("X", 1)).encode(), 422),  # type: ignore[arg-type]
    "a huge exponent": (json.dumps(order("X", "1e999999")).encode(), 422),
    "digits of another script": (json.dumps(order("X", "\u0661")).encode(), 422),
    "an unknown field": (json.dumps(order("X", admin=True)).encode(), 422),
    "half a character": (b'{"ref_id":"\\ud800","instrument":"BTC/USD","side":"BUY","base_quantity":"1"}', 422),
    "html for a name": (json.dumps(order(HTML)).encode(), 422),
    "a line end in a name": (json.dumps(order("X\r\nSet-Cookie: a=b")).encode(), 422),
    "a zero byte": (json.dumps(order("X\0")).encode(), 422),
    "a megabyte": (b'{"ref_id":"' + b"x" * 1_000_000 + b'"}', 413),
}


@SHARED
@pytest.mark.parametrize("name", BODIES)
async def test_a_body_that_cannot_be_taken_is_refused_with_a_sentence(desk: Office, name: str):
    """By its own status, and nothing is on the table."""
    text, status = BODIES[name]
    said = await sent(desk.client, "/v1/orders", text)

    assert (said[0], said[1]["outcome"]) == (status, "rejected")
    assert HTML not in json.dumps(said[1]["errors"])
    assert not [one for one in await desk.router.store.open_requests(100) if one.key.startswith("X")]


async def sent(client: Client, path: str, text: bytes, media: str = "application/json") -> tuple[int, Any]:
    headers = {"Idempotency-Key": str(uuid.uuid4()), "Content-Type": media}
    async with client.session.post(client.url + path, data=text, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


@SHARED
async def test_another_media_type_is_no_json(desk: Office):
    """A form of another site could send it without asking."""
    status, said = await sent(desk.client, "/v1/orders", json.dumps(order("X")).encode(), "text/plain")
    assert (status, said["code"]) == (415, "not_this_media")


@SHARED
async def test_a_slow_body_does_not_hold_anybody_up(desk: Office):
    """408 when its time is over; others are answered meanwhile."""

    async def slowly() -> Any:
        yield b'{"ref_id":'
        await asyncio.sleep(1.5)
        yield b'"X"}'

    waiting = asyncio.create_task(sent(desk.client, "/v1/orders", slowly()))  # type: ignore[arg-type]
    assert (await desk.client.get("/livez")).status == 200
    status, said = await waiting
    assert (status, said["code"], said["retryable"]) == (408, "too_slow", True)


@SHARED
async def test_hostile_text_comes_back_as_text(desk: Office):
    """In JSON that no browser takes for a page, and never in a header; control characters do not come in at all."""
    client = desk.client
    assert (await client.post("/v1/halt", {"reason": HTML})).status == 202
    for reason in ("a\nb", "a\x1b[2Jb", "a\0b", "", "x" * 129, "\u0085"):
        assert (await client.post("/v1/halt", {"reason": reason})).code == "not_valid"
    async with client.session.get(client.url + "/v1/events?limit=1000") as answer:
        text = await answer.text()
        assert answer.headers["Content-Type"].startswith("application/json")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert HTML not in text or answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert (await client.post("/v1/halt/resume", {"reason": "out"})).status == 202
    for path in ("/v1/orders/%00", "/v1/orders/..%2f..%2fetc", f"/v1/orders/{HTML}", "/v1/orders/a%0d%0ab"):
        said = await client.get(path)
        assert (said.status, said.code) == (404, "not_found")


@SHARED
@pytest.mark.parametrize(
    "path",
    [
        "/v1/orders?page_cursor=OTk5OTk5OTk5OTk5OTk5OTk5OXx4",  # 9999999999999999999|x
        "/v1/orders?page_cursor=MTIzfAA",  # a zero byte
        "/v1/orders?created_at.gte=9999-01-01T00:00:00Z",
        "/v1/orders?created_at.lt=0001-01-01T00:00:00Z",
    ],
)
async def test_a_number_that_no_database_holds_is_refused(desk: Office, path: str):
    """In a cursor, or in a moment."""
    said = await desk.client.get(path)
    assert (said.status, said.code) == (422, "not_valid")


@SHARED
@pytest.mark.parametrize(("name", "text"), [("Host", "["), ("Host", "a]b"), ("Origin", "http://[")])
async def test_a_name_that_is_no_name_is_another_site(desk: Office, name: str, text: str):
    """And no mistake of ours."""
    said = await desk.client.get("/livez", headers={name: text})
    assert (said.status, said.code) == (403, "other_site")


@SHARED
@pytest.mark.parametrize("field", ["start_time", "end_time", "duration", "pilot_timeout"])
async def test_a_time_beyond_what_the_journal_holds_does_not_come_in(desk: Office, field: str):
    """One order of it would stop whoever drives, and each who drives after."""
    far = "999999999d" if field in {"duration", "pilot_timeout"} else "9999-01-01T00:00:00Z"
    said = await desk.client.post("/v1/orders", order("FAR", "0.001") | {field: far})
    assert (said.status, said.data["errors"][0]["pointer"]) == (422, f"/{field}")
    amended = await desk.client.patch("/v1/orders/FAR", {"end_time": "9999-01-01T00:00:00Z"}, '"1"')
    assert amended.status == 422
    assert not desk.stand.running.done()


@SHARED
async def test_an_answer_does_not_say_what_it_was_made_with(desk: Office):
    """Versions are for whoever runs this."""
    async with desk.client.session.get(desk.client.url + "/livez") as answer:
        assert "aiohttp" not in answer.headers["Server"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
KNOWN = {*order("X"), *(name for one in ROUTES if one.body is not None for name in one.body.model_fields)}
FIELDS = st.sampled_from(sorted(KNOWN))


@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
@given(changed=st.dictionaries(FIELDS, JSON, max_size=3), place=st.integers(min_value=0))
def test_a_field_of_any_kind_is_taken_or_refused(changed: dict[str, Any], place: int):
    """Never a mistake of ours: each is checked where it comes in."""
    from router.model.errors import BadInput
    from router.requests.bodies import parse

    kinds = [one.body for one in ROUTES if one.body is not None]
    kind = kinds[place % len(kinds)]
    try:
        parse(kind, order("X") | changed)  # type: ignore[type-var]
    except BadInput as error:
        assert error.message  # noqa: PT017 - either way is right


def test_no_route_that_changes_anything_goes_without_a_key():
    """But coming in and going out, which change nothing of money, and the estimate, which keeps nothing."""
    changing = {one.name for one in ROUTES if one.method != "GET" and one.once is None}
    assert changing == {"POST /v1/estimate", "POST /v1/session", "DELETE /v1/session"}
