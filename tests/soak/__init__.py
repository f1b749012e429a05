"""A day's work in small: one driver, many orders, moderate faults, and what must not grow while it goes on."""
