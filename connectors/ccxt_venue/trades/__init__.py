"""Public trades: what each venue's stream says of them, and the feed that carries it to the sink."""
