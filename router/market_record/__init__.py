"""A bounded sample of the market, beside the journal: what the books showed and what was traded while we traded.

TCA, learning and evaluation live on it. It follows like any watcher: nothing waits for it, and no decision reads it.
"""
