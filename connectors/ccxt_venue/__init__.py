"""Venues reached through ccxt: one adapter behind `router.ports.venue.VenuePort`, one module of quirks per venue.

Where to look: `venue` is the port; `wire` what passes the socket and what is known of it; `clients` the ccxt classes as
we use them; `verdict` and the venue modules (`binance`, `kraken`, `coinbase`) what an answer proves; `reader` and
`retry` how reads are asked; `mapping` rows to model; `feeds`, `decoders` and the `book_*` modules the streams.
"""

from connectors.ccxt_venue.venue import CcxtVenue

__all__ = ["CcxtVenue"]
