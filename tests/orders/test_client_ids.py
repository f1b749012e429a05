"""Client order ids: derived, recognisable, valid UUIDs."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from router.model.ids import AccountId, ClientOrderId, EntityId, ParentId, RefId
from router.orders.client_ids import client_order_id, deployment_tag, is_ours, parent_id


@given(deployment=st.text(min_size=1), account=st.text(min_size=1), parent=st.text(min_size=1), number=st.integers(1))
def test_an_id_is_a_uuid_with_the_deployment_s_tag(deployment: str, account: str, parent: str, number: int) -> None:
    """32 lower-case hex digits that are a valid UUIDv8, and ours."""
    made = client_order_id(
        deployment=deployment, incarnation=1, account=AccountId(account), parent_id=ParentId(parent), number=number
    )

    assert uuid.UUID(made).version == 8
    assert uuid.UUID(made).hex == made
    assert made.startswith(deployment_tag(deployment))
    assert is_ours(made, deployment)


def test_every_input_matters_and_nothing_else_does() -> None:
    """The same intent has the same id in every process; another intent another one."""

    def made(
        deployment: str = "d", incarnation: int = 1, account: str = "a/b", parent: str = "p", number: int = 1
    ) -> str:
        return client_order_id(
            deployment=deployment,
            incarnation=incarnation,
            account=AccountId(account),
            parent_id=ParentId(parent),
            number=number,
        )

    assert made() == made()
    others = {made(deployment="e"), made(incarnation=2), made(account="a/c"), made(parent="q"), made(number=2)}
    assert len(others | {made()}) == 6


def test_parts_are_kept_apart() -> None:
    """`a` + `bc` is not `ab` + `c`."""
    first = parent_id(deployment="d", entity=EntityId("a"), ref_id=RefId("bc"))
    second = parent_id(deployment="d", entity=EntityId("ab"), ref_id=RefId("c"))
    assert first != second


def test_a_stranger_s_id_is_not_ours() -> None:
    """Another deployment's tag, another shape, nothing at all."""
    mine = client_order_id(deployment="d", incarnation=1, account=AccountId("a/b"), parent_id=ParentId("p"), number=1)
    assert not is_ours(mine, "another")
    assert not is_ours(ClientOrderId("x-TKT5PX2F0123456789"), "d")
    assert not is_ours(None, "d")
