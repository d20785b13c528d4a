"""Measurements behind the figures in docs/figures.md; `./scripts/bench` runs them.

Each module measures one thing next to a peer in the same run, and prints the ratio: a slow or busy
machine slows both alike.
"""
