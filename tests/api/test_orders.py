"""Orders over HTTP, on a lab and a driver: given once, seen, changed, stopped."""

import asyncio
import uuid
from decimal import Decimal

import pytest

from router.app.parts import opened
from router.model.ids import ParentId
from router.model.orders import ParentState
from tests.api.rig import LOOPBACK, Client, Office, answered, order
from tests.e2e.rig import quantity_of, watched
from tests.e2e.truth import assert_venues_agree
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

RESTING = {"policy": "SNIPER", "params": {"trigger_price": "1", "min_quantity": "0.01"}}
"""An order that waits for a price which does not come."""


async def test_an_order_is_taken_filled_and_told_in_full(desk: Office):
    """201 at once; with patience it comes back with its end; children, fills and decisions follow it."""
    client = desk.client
    said = await client.post("/v1/orders?await_fill_millis=10000", order("A1"))

    assert (said.status, said.data["state"], said.data["filled"]) == (201, "FILLED", "0.1")
    path = said.headers["Location"]
    shown = await client.get(path)
    assert shown.headers["ETag"] == shown.data["version"]
    assert shown.data["order"]["base_quantity"] == "0.1"
    children, fills = await client.get(f"{path}/children"), await client.get(f"{path}/fills")
    assert {one["client_id"] for one in fills.data["items"]} <= {one["client_id"] for one in children.data["items"]}
    rounds = (await client.get(f"{path}/decisions")).data["items"]
    planned = next(one["round"] for one in rounds if one["children"])  # one before the first book plans nothing
    explained = await client.get(f"{path}/decisions/{planned}")
    assert explained.data["seen"]["asks"]
    assert (await client.get(f"{path}/decisions/99")).code == "not_found"


async def test_two_hundred_ask_the_same_at_once_and_one_order_comes_of_it(desk: Office):
    """By the venues' own record, too: not one child more than one such order needs."""
    key, body = str(uuid.uuid4()), order("A200", "0.05")

    answers = await asyncio.gather(*(desk.client.post("/v1/orders", body, key=key) for _ in range(200)))

    assert {one.status for one in answers} == {201}
    assert len({str(one.data) for one in answers}) == 1
    assert sum("Idempotency-Replayed" not in one.headers for one in answers) == 1
    await eventually(lambda: _ended(desk, "A200"))
    shown = (await desk.client.get("/v1/orders/A200")).data
    agreed = await assert_venues_agree(desk.control, desk.router.config.database_url)
    assert quantity_of(agreed.orders_of(ParentId(shown["parent_id"]))) == Decimal("0.05") == Decimal(shown["filled"])


async def _ended(desk: Office, ref_id: str) -> bool:
    return ParentState((await desk.client.get(f"/v1/orders/{ref_id}")).data["state"]).ended


async def test_a_key_means_one_request_and_a_reference_one_order(desk: Office):
    """Missing 400; for something else 422; done, replayed. The reference outlives the key."""
    key, body = str(uuid.uuid4()), order("A3", "0.01")
    client = desk.client
    first = await client.post("/v1/orders", body, key=key)

    again = await client.post("/v1/orders", body, key=f'"{key}"')
    assert (again.status, again.data, again.headers["Idempotency-Replayed"]) == (201, first.data, "true")
    assert (await client.post("/v1/orders", order("A3", "0.02"), key=key)).code == "idempotency_key_reused"
    other = await client.post("/v1/orders", order("A3", "0.02"))
    assert (other.status, other.code, other.data["outcome"]) == (409, "ref_id_taken", "rejected")
    assert (await client.post("/v1/orders", body)).status == 200
    for wrong in ("", "short", "has blanks in it", "x" * 65):
        assert (await client.post("/v1/orders", body, headers={"Idempotency-Key": wrong})).status == 400


async def test_while_it_is_worked_on_the_same_request_waits(desk: Office):
    """409 with Retry-After, and unknown; the stored answer once it is done."""
    key, body = str(uuid.uuid4()), order("A4", "0.01", **RESTING)
    path = "/v1/orders?await_fill_millis=600"
    waiting = asyncio.create_task(desk.client.post(path, body, key=key))
    await eventually(lambda: _known(desk, "A4"))

    busy = await desk.client.post(path, body, key=key)
    assert (busy.status, busy.code, busy.data["outcome"]) == (409, "in_progress", "unknown")
    assert busy.headers["Retry-After"] == "1"
    first = await waiting
    again = await desk.client.post(path, body, key=key)
    assert (again.status, again.data) == (201, first.data)


async def _known(desk: Office, ref_id: str) -> bool:
    return (await desk.client.get(f"/v1/orders/{ref_id}")).status == 200


async def test_an_order_is_paused_amended_once_per_version_and_cancelled(desk: Office):
    """If-Match of a version that is over is refused; two amendments of one version cannot both be taken."""
    client = desk.client
    path = (await client.post("/v1/orders", order("A5", "0.01", **RESTING))).headers["Location"]
    await eventually(lambda: _is(desk, "A5", "ACCEPTED", "WORKING"))

    assert (await client.post(f"{path}/pause")).status == 202
    await eventually(lambda: _is(desk, "A5", "PAUSED"))
    old = (await client.get(path)).headers["ETag"]
    assert (await client.patch(path, {"base_quantity": "0.02"}, None)).status == 428
    answers = await asyncio.gather(*(client.patch(path, {"base_quantity": f"0.0{n}"}, old) for n in range(2, 6)))
    assert sorted(one.status for one in answers) == [202, 412, 412, 412]
    await eventually(lambda: _moved(desk, path, old))
    assert (await client.get(path)).data["order"]["base_quantity"] in {"0.02", "0.03", "0.04", "0.05"}
    assert (await client.patch(path, {"base_quantity": "0.09"}, old)).code == "other_version"
    newer = (await client.get(path)).headers["ETag"]
    of_old, of_newer = ({"Idempotency-Key": "00000000-amend", "If-Match": one} for one in ('"1"', newer))
    assert (await client.ask("PATCH", path, json={"base_quantity": "0.06"}, headers=of_newer)).status == 202
    again = await client.ask("PATCH", path, json={"base_quantity": "0.06"}, headers=of_old)
    assert again.code == "idempotency_key_reused"  # of another version it is another request

    assert (await client.post(f"{path}/resume")).status == 202
    await eventually(lambda: _is(desk, "A5", "ACCEPTED", "WORKING"))
    assert (await client.post(f"{path}/cancel")).status == 202
    await eventually(lambda: _is(desk, "A5", "CANCELLED"))
    ended = await client.post(f"{path}/cancel")
    assert (ended.status, ended.code) == (409, "has_ended")
    assert (await client.post("/v1/orders/nobody/cancel")).status == 404


async def _is(desk: Office, ref_id: str, *states: str) -> bool:
    return (await desk.client.get(f"/v1/orders/{ref_id}")).data["state"] in states


async def _moved(desk: Office, path: str, version: str) -> bool:
    return (await desk.client.get(path)).headers["ETag"] != version


async def test_a_list_is_read_in_pages_while_new_orders_come_in(desk: Office):
    """Each once, none missing, whatever comes in between two pages; a cursor of nobody's is refused."""
    for number in range(5):
        await desk.client.post("/v1/orders?await_fill_millis=5000", order(f"P{number}", "0.001"))
    seen, cursor = [], ""
    for number in range(20):
        page = (await desk.client.get(f"/v1/orders?limit=2&instrument=BTC/USD{cursor}")).data
        seen += [one["ref_id"] for one in page["items"]]
        if page["next_page_cursor"] is None:
            break
        cursor = f"&page_cursor={page['next_page_cursor']}"
        await desk.client.post("/v1/orders?await_fill_millis=5000", order(f"Q{number}", "0.001"))

    assert len(seen) == len(set(seen))
    assert {f"P{number}" for number in range(5)} <= set(seen)
    assert not {f"Q{number}" for number in range(20)} & set(seen)
    fills = (await desk.client.get("/v1/orders/A1/fills?limit=1")).data
    assert len(fills["items"]) == 1
    for wrong in ("page_cursor=AAAA", "limit=0", "limit=x", "page=2", "limit=1&limit=2", "created_at.gte=today"):
        assert (await desk.client.get(f"/v1/orders?{wrong}")).code == "not_valid"


async def test_halt_cancel_all_and_resume(desk: Office):
    """Halted in memory and on disk, every open order asked to stop; in the lab one person lets it go on."""
    client = desk.client
    for number in range(3):
        await client.post("/v1/orders", order(f"H{number}", "0.01", **RESTING))
    await eventually(lambda: _is(desk, "H2", "ACCEPTED", "WORKING"))

    said = await client.post("/v1/halt", {"level": "CANCEL_ALL", "reason": "<b>fire</b>"})
    assert {"H0", "H1", "H2"} <= set(said.data["cancelled"])
    await eventually(lambda: _is(desk, "H2", "CANCELLED"))
    state = (await client.get("/v1/halt")).data
    assert (state["halted"], state["why"], state["by"]) == (True, "<b>fire</b>", "demo")
    assert (await client.post("/v1/halt/resume", {"reason": "out"})).data["taken"]["kind"] == "RESUME"
    await eventually(lambda: _goes_on(desk))
    assert (await client.post("/v1/orders/cancel-all")).data["halted"] is False


async def _goes_on(desk: Office) -> bool:
    return not (await desk.client.get("/v1/halt")).data["halted"]


async def test_the_market_and_the_accounts_are_shown_with_their_ages(desk: Office):
    """Estimate, ladder, venues, holdings: the words of the command line."""
    client = desk.client
    estimated = (await client.ask("POST", "/v1/estimate", json=order("E1", "0.5"))).data
    assert (estimated["feasible"], estimated["planned"]) == (True, "0.5")
    assert (await client.get("/v1/orders/E1")).status == 404
    book = (await client.get("/v1/books?instrument=BTC/USD&depth=3")).data
    assert len(book["asks"]) == 3
    assert all(one["age_ms"] >= 0 for one in book["asks"])
    assert (await client.get("/v1/books?instrument=DOGE/USD")).status == 404
    assert {one["account"] for one in (await client.get("/v1/venues")).data["items"]} >= {"kraken/main"}
    held = (await client.get("/v1/balances")).data["items"]
    assert all(set(one) >= {"free", "reserved", "in_doubt", "age_s"} for one in held)
    assert (await client.get("/readyz")).data == {"ready": True, "reason": None}
    assert b"sor_http_answers" in (await client.get("/metrics")).data


async def _ready(client: Client) -> bool:
    return (await client.get("/readyz")).status == 200


async def test_a_replica_puts_requests_on_the_table_and_the_driver_takes_them(desk: Office):
    """Another process's API, without a driver of its own: the same order, the same answers."""
    async with opened(desk.router.config, watched()) as other, answered(other, LOOPBACK) as (client, _):
        said = await client.post("/v1/orders?await_fill_millis=10000", order("REPLICA", "0.01"))
        assert (said.status, said.data["state"]) == (201, "FILLED")
        await eventually(lambda: _ready(client))
