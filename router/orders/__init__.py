"""What we sent and what became of it: lifecycle table, client order ids, blotter, parents, resolver."""
