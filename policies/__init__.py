"""How much, when, how urgently. One small file per policy; none of them sends anything."""

from policies.registry import POLICIES

__all__ = ["POLICIES"]
