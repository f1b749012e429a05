"""Carry messages and keep time: the live shell around the engine."""
