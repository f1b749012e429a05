"""The exchange core's records as the router's model objects: what paper and simulated venues answer with."""

from connectors.lab.core import NewOrder, OrderRecord, Rejection, RejectKind, SymbolRules, TimeInForce, TradeRecord
from router.model.ids import AccountId, Asset, ClientOrderId, Nanos, TradeId, VenueOrderId
from router.model.instruments import Listing
from router.model.orders import ChildOrder, Fee, VenueOrder, VenueOrderStatus, VenueTrade
from router.model.outcomes import Accepted, Exists, PlaceOutcome, Refused


class Words:
    """`prefix` stands before every id, so that whoever reads it in a table sees where nothing was really traded."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def order_id(self, order_id: int) -> VenueOrderId:
        """The venue's id of an order."""
        return VenueOrderId(f"{self._prefix}-{order_id}")

    def outcome(self, answer: OrderRecord | Rejection) -> PlaceOutcome:
        """What a venue that answers honestly says to a new order."""
        if isinstance(answer, OrderRecord):
            return Accepted(venue_order_id=self.order_id(answer.order_id))
        if answer.kind is RejectKind.DUPLICATE_CLIENT_ID:
            return Exists(code=answer.kind)
        return Refused(
            code=answer.kind,
            text=answer.text,
            transient=False,
            would_cross=answer.kind is RejectKind.POST_ONLY_WOULD_TAKE,
        )

    def order(self, record: OrderRecord) -> VenueOrder:
        """The venue's record of an order."""
        return VenueOrder(
            account=AccountId(record.account),
            symbol=record.symbol,
            venue_order_id=self.order_id(record.order_id),
            client_id=ClientOrderId(record.client_id) if record.client_id else None,
            side=record.side,
            status=VenueOrderStatus(record.status),
            quantity=record.quantity,
            executed=record.executed,
            limit_price=record.limit_price,
            venue_time_ns=Nanos(record.placed_ns),
        )

    def trade(self, trade: TradeRecord) -> VenueTrade:
        """A row of the venue's trade list."""
        return VenueTrade(
            account=AccountId(trade.account),
            symbol=trade.symbol,
            trade_id=TradeId(f"{self._prefix}-{trade.execution_id}"),
            venue_order_id=self.order_id(trade.order_id),
            side=trade.side,
            price=trade.price,
            quantity=trade.quantity,
            fees=(Fee(asset=Asset(trade.fee_asset), amount=trade.fee),),
            maker=trade.maker,
            venue_time_ns=Nanos(trade.at_ns),
            client_id=ClientOrderId(trade.client_id) if trade.client_id else None,
        )


def new_order(child: ChildOrder) -> NewOrder:
    """A child as it arrives at the exchange."""
    return NewOrder(
        symbol=child.symbol,
        side=child.side,
        quantity=child.quantity,
        limit_price=child.limit_price,
        tif=TimeInForce(child.time_in_force),
        post_only=child.post_only,
        client_id=child.client_id,
    )


def symbol_rules(listing: Listing) -> SymbolRules:
    """A maker pays as a taker does: what the venue grants makers is not in a listing, and nothing here flatters."""
    return SymbolRules(
        symbol=listing.symbol,
        base=listing.base,
        quote=listing.quote,
        tick=listing.tick,
        step=listing.step,
        min_quantity=listing.min_quantity,
        min_notional=listing.min_notional,
        max_quantity=listing.max_quantity,
        taker_fee_bps=listing.taker_fee_bps,
        maker_fee_bps=listing.taker_fee_bps,
    )
