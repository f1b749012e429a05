"""Let people see: read-only pages of a running driver, on loopback."""
