"""Records of decisions in the database: kept once, found with their parent, told where they fail."""

from router.model.ids import Nanos, ParentId
from router.store.decision_records import DecisionRecord, DecisionRecords
from tests.store.conftest import Opener


def made(number: int, failed: str = "", **record: object) -> DecisionRecord:
    return DecisionRecord(
        parent_id=ParentId("p"), round=number, seq=10 + number, at_ns=Nanos(number), failed=failed, record=record
    )


async def test_a_record_is_kept_once(opened: Opener, database_url: str):
    await opened()
    records = DecisionRecords(database_url)
    try:
        assert await records.reached() == 0
        await records.keep([made(1, gap="0"), made(2, "off its grid", gap="1")])
        await records.keep([made(2, "another word"), made(3)])
        assert await records.reached() == 13
        assert await records.of(ParentId("p")) == {
            1: ("", {"gap": "0"}),
            2: ("off its grid", {"gap": "1"}),
            3: ("", {}),
        }
        assert [(one.round, one.failed) for one in await records.failed(10)] == [(2, "off its grid")]
    finally:
        await records.close()
