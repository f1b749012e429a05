"""How long an order may stand, in ccxt's unified words, for the venues at which those reach the wire as meant."""

from router.model.orders import ChildOrder


def unified(child: ChildOrder) -> dict[str, object]:
    """`postOnly` by itself, or the time in force by name.

    Never both: several venues take the time in force for all there is, and drop what was asked for beside it. What
    each of them makes of these words stands in `capabilities/wire`.
    """
    return {"postOnly": True} if child.post_only else {"timeInForce": str(child.time_in_force)}
