"""Everything that can happen to the router, in virtual time, from a seed; judged by what the venues know.

`agenda` is time, `journal` the database, `process` one driver's life around the real engine, `world` the venues and
what goes wrong, `swarm` what a seed switches on, `judge` the invariants, `run` puts them together.
"""
