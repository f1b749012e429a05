"""Remember in order: how events and facts are written, chained and checked. Pure; the database is next door."""
