"""Adapters to the outside, found by name through the entry-point group `rta.transports`."""
