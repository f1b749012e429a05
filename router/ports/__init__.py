"""Every seam on one page: what the core needs of the world, and what the world may assume of the core."""

from router.ports.clock import Clock, DriverClock
from router.ports.policy import Policy, Progress, Target
from router.ports.store import Appended, JournalRow, Lease, Remembered, Store, Unknown
from router.ports.venue import Gate, VenuePort, VenueSink

__all__ = [
    "Appended",
    "Clock",
    "DriverClock",
    "Gate",
    "JournalRow",
    "Lease",
    "Policy",
    "Progress",
    "Remembered",
    "Store",
    "Target",
    "Unknown",
    "VenuePort",
    "VenueSink",
]
