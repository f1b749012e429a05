"""How much of what is displayed is there when an order lands: learned from own orders and from recorded books."""
