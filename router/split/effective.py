"""Effective prices. The formulas live with the ladder that is ordered by them; this is the splitter's door to them."""

from router.book.effective import all_in, effective_price, expected_fee, gross_for_net, spend_factor

__all__ = ["all_in", "effective_price", "expected_fee", "gross_for_net", "spend_factor"]
