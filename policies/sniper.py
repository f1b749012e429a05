"""SNIPER: nothing rests and nothing shows; when enough stands at its price, it takes."""

from policies.consolidated import counted, depth
from policies.pacing import again, waiting
from router.model.ids import Nanos
from router.model.market import MarketView
from router.model.policies import SniperParams
from router.ports.policy import Progress, Target

_MS = 1_000_000


class Sniper:
    """Looks every so often, and takes what is there at its price or better."""

    def target(self, progress: Progress, now_ns: Nanos, view: MarketView | None) -> Target:
        """What stands at the trigger price, if that is at least what was asked for, or all that is left."""
        order, params = progress.order, progress.order.params
        assert isinstance(params, SniperParams)
        if (wait := waiting(progress)) is not None:
            return wait
        if not progress.last_round_sent and (pause := again(progress, now_ns, params.look_every_ms)) is not None:
            return pause
        next_ns = Nanos(now_ns + params.look_every_ms * _MS)
        if view is None:
            return Target(quantity=progress.committed, not_before_ns=next_ns, look=True, reason="looking")
        there = counted(progress, depth(view, order.side, params.trigger_price, order.may_use), view)
        if there < min(counted(progress, params.min_quantity, view), progress.open_quantity):
            return Target(quantity=progress.committed, not_before_ns=next_ns, reason="too little at its price")
        due = min(there, progress.open_quantity)
        return Target(quantity=progress.committed + due, limit_price=params.trigger_price, not_before_ns=next_ns)
