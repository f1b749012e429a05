"""Paper trading: real public books, orders filled on the lab's exchange core, an account that survives a kill.

Where to look: `venue` is the port; `books` the real books less what paper orders took of them; `account` how one step
moves the account; `ledger` the file it is kept in.
"""

from connectors.paper.settings import PaperSettings
from connectors.paper.venue import PaperVenue

__all__ = ["PaperSettings", "PaperVenue"]
