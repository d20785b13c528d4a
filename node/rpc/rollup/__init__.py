"""The `rollup` namespace, one file a concern: how L2 follows from L1, and what crosses over."""
