"""The monitor: holds the ClearingHouse's books to their invariants, block after block."""
