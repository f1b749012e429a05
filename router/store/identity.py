"""Which database this is: its mode, its deployment, how often it was restored, its schema."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """The one row of `meta`."""

    mode: str
    deployment: str
    incarnation: int
    schema_version: int

    def reborn(self, incarnation: int) -> "Identity":
        """The same database after a restore."""
        return replace(self, incarnation=incarnation)
