"""Limits of what operators do with databases, each with its reason."""

STREAM_FRAME_BYTES_MAX = 64 * 2**20
"""One frame of a stream: a block of 30 M gas has under 8 MB of transactions, an inbox item 128 KB;
a longer one is no frame, and would be read into memory."""

STREAM_ITEMS_PER_COMMIT = 64
"""Inbox items that are written at once: at most 8 MB."""

STATS_ENTRIES_PER_STEP = 20_000
"""How often counting tells how far it has come: some 50 ms."""
