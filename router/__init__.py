"""A self-hosted smart order router across external crypto venues."""
