"""Policies by the name an order gives. Adding one is a file and a line here."""

from collections.abc import Mapping
from types import MappingProxyType

from policies.sweep import Sweep
from router.ports.policy import Policy

POLICIES: Mapping[str, Policy] = MappingProxyType({"SWEEP": Sweep()})
