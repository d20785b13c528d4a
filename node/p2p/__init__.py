"""Replicas and the sequencer among themselves: libp2p, in a process of its own (docs/p2p.md)."""
