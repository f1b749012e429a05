"""Policies by the name an order gives. What else one needs stands in CONTRIBUTING.md."""

from collections.abc import Mapping
from types import MappingProxyType

from policies.best_single import BestSingle
from policies.envelope import Enveloped
from policies.iceberg import Iceberg
from policies.limit_or_better import LimitOrBetter
from policies.passive_then_sweep import PassiveThenSweep
from policies.peg import Peg
from policies.pov import Pov
from policies.shortfall import Shortfall
from policies.sniper import Sniper
from policies.sweep import Sweep
from policies.twap import Twap
from policies.vwap import Vwap
from router.ports.policy import Policy

POLICIES: Mapping[str, Policy] = MappingProxyType(
    {
        "SWEEP": Enveloped(Sweep()),
        "BEST_SINGLE": Enveloped(BestSingle()),
        "LIMIT_OR_BETTER": Enveloped(LimitOrBetter()),
        "ICEBERG": Enveloped(Iceberg()),
        "PEG": Enveloped(Peg()),
        "PASSIVE_THEN_SWEEP": Enveloped(PassiveThenSweep()),
        "TWAP": Enveloped(Twap()),
        "VWAP": Enveloped(Vwap()),
        "POV": Enveloped(Pov()),
        "IS": Enveloped(Shortfall()),
        "SNIPER": Enveloped(Sniper()),
    }
)
