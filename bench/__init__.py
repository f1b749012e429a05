"""Benchmarks: ratios of one run, on work made from a seed. `python -m bench` prints them."""
