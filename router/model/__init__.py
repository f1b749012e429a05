"""What things are: instruments and listings, orders, market, money, messages. Stdlib only; no clock, no I/O."""
