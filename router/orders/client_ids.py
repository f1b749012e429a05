"""The child's id, derived, so that a process that died and its successor name the same order alike (D5).

128 bits of BLAKE2b over (deployment, incarnation, venue account, parent, child number); the deployment's tag is stamped
into the first 16 bits so that our orders can be told from foreign ones at a venue, and the UUIDv8 version and variant
bits are set so that the same digits are a valid UUID. The attempt is not an input: a new attempt is a new number.
"""

import hashlib

from router.model.ids import AccountId, ClientOrderId, EntityId, ParentId, RefId

_UUID_VERSION_NIBBLE = "8"
_TAG_DIGITS = 4


def client_order_id(
    *, deployment: str, incarnation: int, account: AccountId, parent_id: ParentId, number: int
) -> ClientOrderId:
    """32 lower-case hex digits."""
    digest = _digest("sor1", deployment, str(incarnation), account, parent_id, str(number))
    digits = deployment_tag(deployment) + digest[_TAG_DIGITS:]
    variant = "89ab"[int(digits[16], 16) & 0x3]
    return ClientOrderId(digits[:12] + _UUID_VERSION_NIBBLE + digits[13:16] + variant + digits[17:])


def deployment_tag(deployment: str) -> str:
    """The first four digits of every id of this deployment."""
    return _digest("sor1-tag", deployment)[:_TAG_DIGITS]


def is_ours(client_id: ClientOrderId | None, deployment: str) -> bool:
    """Does the id carry this deployment's tag, in the shape we give ids?"""
    return (
        client_id is not None
        and len(client_id) == 32  # noqa: PLR2004 - 128 bits in hex
        and client_id.startswith(deployment_tag(deployment))
        and client_id[12] == _UUID_VERSION_NIBBLE
    )


def parent_id(*, deployment: str, entity: EntityId, ref_id: RefId) -> ParentId:
    """The parent's id, the same in every process that is handed the same reference."""
    return ParentId("P" + _digest("sor1-parent", deployment, entity, ref_id)[:16])


def leg_id(basket_id: ParentId, number: int) -> ParentId:
    """The id of a basket's leg; the basket's own is that of a parent of its reference, which there is none of."""
    return ParentId(f"{basket_id}-{number}")


def _digest(*parts: str) -> str:
    joined = "|".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.blake2b(joined.encode(), digest_size=16).hexdigest()
