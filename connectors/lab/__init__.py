"""The lab: loopback exchanges that speak real venue protocols, so that unmodified clients trade on them."""
