"""The composition of one node: its chain, its role, what it answers, and its loops."""
