"""Limits of the matching engine, each with its reason."""

SETTLING_SECONDS = 5
"""How long before its expiry an order stops matching: five blocks of a second.

The chain refuses an order once `block.timestamp > expiry`. What matched in the last moment waits
for the next block, and when a block is full, or dropped and built again, for one or two more.
"""

AUCTION_ROUNDS_MAX = 16
"""How often an auction is worked out anew without a fill-or-kill order that it can't fill whole.

Each round costs as much as a whole auction. What is left after them goes all at once, so that
nobody makes an auction slow with fill-or-kill orders that can't be filled.
"""
