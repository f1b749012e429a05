"""Whether: limits, collar, venue rules, halt. Only what passes every check can be handed to a venue port."""

from router.risk.checks import CHECKS
from router.risk.review import Refusal, RiskView, approve_copy, review

__all__ = ["CHECKS", "Refusal", "RiskView", "approve_copy", "review"]
