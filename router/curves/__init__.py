"""Volume curves: how a UTC day's volume falls on its hours, from what was traded, and how far to trust one."""
