"""Venues: everything that talks to the outside, and the lab that stands in for it."""
