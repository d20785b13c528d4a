"""The `eth` namespace, one file a concern."""
