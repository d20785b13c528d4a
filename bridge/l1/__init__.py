"""The node's view of L1: a client that takes silence for an error, never for an absence."""
