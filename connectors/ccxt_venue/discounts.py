"""What paying fees in a venue's token takes off, as each venue tells it of an account: the token, the rate, the switch.

Only where the rate that is read has no discount in it (`capabilities`, "a token's discount"): at htx it is in the rate,
at okx, bitfinex and crypto.com the token is held, not paid with. Where a venue does not tell the switch, the discount
is never counted on; but a fee taken in the token is then no surprise.
"""

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from types import MappingProxyType

from connectors.ccxt_venue.dialect import Ask, Desk
from connectors.ccxt_venue.mapping import flag, number, part, row, text
from router.model.ids import Asset
from router.model.instruments import TokenDiscount
from router.model.money import ONE, exactly

_SCALE = 4
_LESS_A_FIFTH = Decimal("0.8")
"""What kucoin's and bitget's pages of fees say of the token. Unchecked, and nothing rests on it."""

Rates = Mapping[str, Decimal]
"""By symbol, the taker rate without the token, in basis points."""


async def _binance(ask: Ask, desk: Desk, rates: Rates) -> Mapping[str, TokenDiscount]:
    """Symbol by symbol. The venue has described `discount` as what is left and as what is taken off: the dearer counts.

    It is of the standard commission only; special and tax commissions are charged in full.
    """
    found = {}
    for symbol in rates:
        told = row(await ask("privateGetAccountCommission", {"symbol": desk.names.market_id(symbol)}))
        discount = row(part(told, "discount"))
        with exactly():
            given = number(discount, "discount")
            left = max(given, ONE - given)
            standard = number(row(part(told, "standardCommission")), "taker")
            extra = sum(
                number(row(told[name]), "taker") for name in ("specialCommission", "taxCommission") if name in told
            )
            rate = (standard * left + extra).scaleb(_SCALE)
        found[symbol] = TokenDiscount(
            token=Asset(desk.names.asset(text(discount, "discountAsset"))),
            taker_fee_bps=rate,
            on=flag(discount, "enabledForAccount") is True and flag(discount, "enabledForSymbol") is True,
        )
    return found


async def _gate(ask: Ask, desk: Desk, rates: Rates) -> Mapping[str, TokenDiscount]:
    """Pair by pair. `gt_taker_fee` is 0 while the switch is off."""
    found = {}
    for symbol, rate in rates.items():
        told = row(await ask("privateWalletGetFee", {"currency_pair": desk.names.market_id(symbol)}))
        on = flag(told, "gt_discount")
        in_token = number(told, "gt_taker_fee").scaleb(_SCALE) if on else rate
        found[symbol] = TokenDiscount(token=Asset("GT"), taker_fee_bps=in_token, on=on)
    return found


def _untold(token: str) -> "Discounts":
    async def untold(_ask: Ask, _desk: Desk, rates: Rates) -> Mapping[str, TokenDiscount]:
        with exactly():
            return {
                symbol: TokenDiscount(token=Asset(token), taker_fee_bps=rate * _LESS_A_FIFTH, on=None)
                for symbol, rate in rates.items()
            }

    return untold


Discounts = Callable[[Ask, Desk, Rates], Awaitable[Mapping[str, TokenDiscount]]]

DISCOUNTS: Mapping[str, Discounts] = MappingProxyType(
    {"binance": _binance, "bitget": _untold("BGB"), "gate": _gate, "kucoin": _untold("KCS")}
)
"""By ccxt's id."""
