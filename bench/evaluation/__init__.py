"""Execution quality on recorded and seeded markets: what `docs/EVALUATION.md` is written from."""
