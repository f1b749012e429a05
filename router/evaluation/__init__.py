"""How well is an order executed? Recorded or seeded markets, replayed with latency, for this router and its rivals."""
