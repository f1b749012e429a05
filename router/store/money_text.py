"""Money in a database column: text, digit for digit. SQLite has no decimals, so no SQL may add money up."""

from decimal import Decimal

from sqlalchemy import Dialect, String
from sqlalchemy.types import TypeDecorator


class MoneyText(TypeDecorator[Decimal]):
    """A `Decimal` as its own text. Anything else is refused: a float would already have lost digits."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        """To the database."""
        del dialect
        if value is None:
            return None
        # SQLAlchemy hands over whatever the caller gave, whatever the annotation says.
        if type(value) is not Decimal:
            raise TypeError(f"money is a Decimal, not {type(value).__name__}")
        return str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        """From the database."""
        del dialect
        return None if value is None else Decimal(value)
