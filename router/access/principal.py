"""Who asks, as far as it was proven."""

from dataclasses import dataclass

from router.access.roles import SECOND_FACTOR, Role


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """A user in a session, a machine's key, or whoever runs commands on this machine.

    `name` goes into requests and the journal (`user/anna`, `key/3f9a`, `local/root`). `person` is who answers for it:
    a key's owner, so that nobody approves by key what they asked for by hand. `entities`: whose orders it may touch.
    """

    name: str
    person: str
    roles: frozenset[Role]
    entities: frozenset[str]
    second_factor: bool = False

    @property
    def effective(self) -> frozenset[Role]:
        """The roles it has now: some are not there without a second factor."""
        return self.roles if self.second_factor else self.roles - SECOND_FACTOR
