"""What an order cost, as `sor tca` prints it. Nothing is computed here.

Decimals are text, cut to eight places for display; a figure nobody knows is null.
"""

from router.cli.report import Report, moment, number, price
from router.model.trades import fees_by_asset
from router.tca.attribution import Attribution
from router.tca.cost import OrderCost, Saving, VenueScore
from router.tca.shortfall import Shortfall
from router.tca.spreads import HORIZONS_S, Weighted

CONVENTION = (
    "costs and slippages are positive when they hurt; improvements, markouts, captures and savings when they helped"
)


def cost_report(found: OrderCost, digest: str) -> Report:
    """One order's report; `digest`: of the record it was computed from."""
    record = found.record
    return {
        "convention": CONVENTION,
        "order": {
            "ref_id": record.ref_id,
            "parent_id": record.parent_id,
            "instrument": record.instrument,
            "side": record.side.value,
            "quantity": number(record.quantity),
            "limit_price": number(record.limit_price),
            "policy": record.policy,
            "submitter": record.principal,
            "state": record.state,
            "reason": record.reason,
            "decided_at": moment(record.decided_ns),
            "ended_at": moment(record.ended_ns),
            "currency": record.reporting,
        },
        "outcome": {
            "filled": number(found.filled),
            "average": price(found.average),
            "average_all_in": price(found.average_all_in),
            "fees": {
                asset: number(amount)
                for asset, amount in fees_by_asset(fee for one in record.fills for fee in one.fees).items()
            },
            "duration_s": price_of_ns(record.ended_ns - record.decided_ns),
            "fills": len(record.fills),
            "children": len(record.children),
            "rounds": len(record.decisions),
        },
        "mids": {
            "decision": price(found.decision_mid),
            "arrival": price(found.arrival_mid),
            "arrival_far_touch": price(found.arrival_touch),
            "final": price(found.final_mid),
        },
        "shortfall": _shortfall(found.shortfall),
        "shortfall_executed_basis": _shortfall(found.executed_basis),
        "spread_part": price(found.spread_part),
        "benchmarks": [
            {
                "name": one.name,
                "price": price(one.price),
                "slippage_bps": price(one.slippage_bps),
                "all_in_bps": price(one.all_in_bps),
                "coverage": price(one.coverage),
            }
            for one in found.benchmarks
        ],
        "participation": price(found.participation),
        "spreads": {
            "effective_bps": _weighted(found.effective_bps),
            "horizons": [
                {
                    "seconds": one.seconds,
                    "realised_bps": _weighted(one.realised_bps),
                    "impact_bps": _weighted(one.impact_bps),
                    "markout_bps": _weighted(one.markout_bps),
                }
                for one in found.horizons
            ],
        },
        "improvement_bps": _weighted(found.improvement_bps),
        "net_improvement_bps": _weighted(found.net_improvement_bps),
        "sweep_to_fill_bps": price(found.sweep_to_fill_bps),
        "savings": [_saving(one) for one in found.savings],
        "attribution": [{"round": at, **_attribution(one)} for at, one in found.attributions],
        "venues": [_venue(one) for one in found.venues],
        "fills": [
            {
                "key": one.seen.key,
                "at": moment(one.seen.at_ns),
                "quantity": number(one.seen.quantity),
                "price": number(one.seen.price),
                "quote": one.seen.quote,
                "value": price(one.price),
                "fee": price(one.fee),
                "maker": one.seen.maker,
                "rates": [{"asset": rate.asset, "rate": price(rate.rate), "source": rate.source} for rate in one.rates],
            }
            for one in found.valued
        ],
        "flags": list(found.flags),
        "record": digest,
    }


def price_of_ns(lasted_ns: int) -> str:
    """Seconds, to the microsecond."""
    return f"{lasted_ns // 1_000_000_000}.{lasted_ns % 1_000_000_000 // 1_000:06d}"


def _shortfall(one: Shortfall | None) -> Report | None:
    if one is None:
        return None
    lines = {
        "delay": one.delay,
        "trading": one.trading,
        "fx": one.fx,
        "opportunity": one.opportunity,
        "fees": one.fees,
        "total": one.total,
    }
    return {
        "basis": one.basis.value,
        **{name: number(part) for name, part in lines.items()},
        "bps": {name: price(one.bps(part)) for name, part in lines.items()},
    }


def _weighted(one: Weighted) -> Report:
    return {"value": price(one.value), "observed": one.seen, "of": one.of}


def _saving(one: Saving) -> Report:
    return {
        "against": one.name,
        "venue": one.venue,
        "planned_bps": price(one.planned_bps),
        "realised_bps": price(one.realised_bps),
        "short": number(one.short),
    }


def _attribution(one: Attribution) -> Report:
    return {
        "total": number(one.total),
        "liquidity": number(one.liquidity),
        "routing": number(one.routing),
        "venues": [
            {
                "listing": part.listing_id,
                "quantity": number(part.quantity),
                "all_in": number(part.all_in),
                "shown": number(part.swept),
                "slippage": number(part.slippage),
                "beyond_depth": number(part.beyond_depth),
            }
            for part in one.venues
        ],
    }


def _venue(one: VenueScore) -> Report:
    return {
        "listing": one.listing_id,
        "children": one.children,
        "sent": number(one.sent),
        "filled": number(one.filled),
        "average": price(one.average),
        "fee": price(one.fee),
        "rejected": one.rejected,
        "repeated": one.repeated,
        "markout_bps": {str(at): _weighted(figure) for at, figure in zip(HORIZONS_S, one.markout_bps, strict=True)},
    }
