"""One routing decision as a record: what was asked on which view, proven, compared, and whether it comes out the same.

Nothing of it is computed on the way of an order: it follows from the journal, beside the driver (`proving`) or later.
"""

import hashlib
from dataclasses import replace
from typing import Any

from router.cli.whatif_split import against_report, cash_report, certificate_report, plan_report
from router.engine.draft import Asked
from router.journal import codec
from router.model.errors import BadInput
from router.model.facts import RoundPlanned
from router.model.ids import ParentId
from router.model.money import plain
from router.ports import Appended
from router.split.cash import price_of_cash
from router.split.check import violations
from router.split.proof import prove
from router.split.reach import narrowed, reachable, split_within
from router.split.verify import faults

Report = dict[str, Any]


def decision_id(parent: str, planning_round: int) -> str:
    """A parent's round, as `explain` and `replay --decision` take it."""
    return f"{parent}.{planning_round}"


def parse_decision(text: str) -> tuple[ParentId, int]:
    """Parent and round. Raises `BadInput`."""
    parent, _, number = text.rpartition(".")
    if not parent or not number.isascii() or not number.isdigit():
        raise BadInput("decision", f"{text} is not a decision: PARENT.ROUND, as `sor explain` shows it")
    return ParentId(parent), int(number)


def is_decision(appended: Appended, parent: ParentId, planning_round: int) -> bool:
    """Was it made in this row?"""
    return any(
        isinstance(fact, RoundPlanned) and (fact.parent_id, fact.round) == (parent, planning_round)
        for fact in appended.row.facts
    )


def failed(made: Report) -> str:
    """In a sentence what does not hold of a record; empty where everything does."""
    said = list(made["faults"])
    if not made["same_on_the_kept_view"]:
        said.append("the plan is another one on the levels that were kept")
    return "; ".join(said)


def record(asked: Asked) -> Report:
    """Everything about one decision that follows from what the splitter was asked."""
    request = asked.request
    view = reachable(request.view, request.side, request.quantity)
    kept = replace(request, view=view)
    solved = narrowed(kept, asked.reach_bps)
    proof = prove(solved)
    plan, certificate = proof.plan, proof.certificate
    cash = price_of_cash(request)
    return {
        "decision": decision_id(asked.parent_id, asked.round),
        "view": hashlib.sha256(codec.dumps(view)).hexdigest(),
        "reach_bps": None if asked.reach_bps is None else plain(asked.reach_bps),
        "same_on_the_kept_view": split_within(kept, asked.reach_bps) == asked.plan,
        "candidates": [
            {
                "listing": one.listing.id,
                "fee_bps": plain(one.listing.charged_bps),
                "age_ms": one.book_age_ns // 1_000_000,
                "levels": len(one.asks) + len(one.bids),
                "unusable": one.unusable,
            }
            for one in view.listings
        ],
        **plan_report(asked.plan, request),
        "certificate": None if certificate is None else certificate_report(certificate),
        "faults": [
            *violations(solved, plan),
            *(() if certificate is None else faults(solved, plan, certificate)),
        ],
        "against": against_report(solved, plan),
        "cash": None if cash is None else cash_report(cash),
    }
