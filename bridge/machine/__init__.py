"""One L2 block as steps, from boundary to boundary (docs/machine.md, "A block").

An implementation of its own of what `bridge.derive` and `execution.transition` say in whole blocks;
they share the pure codecs and nothing that decides.
"""
