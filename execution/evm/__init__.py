"""The py-evm engine; the only package that imports `eth` (py-evm)."""
