"""Venues in virtual time: the lab's exchange core behind the port's words, and a wire that loses things by seed."""

from connectors.sim.venue import SimVenue, Truth
from connectors.sim.wire import Journey, Wire, WireFaults

__all__ = ["Journey", "SimVenue", "Truth", "Wire", "WireFaults"]
