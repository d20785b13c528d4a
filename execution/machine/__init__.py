"""The provable machine: the L2's execution as explicit state and single steps (docs/machine.md).

It shares the chain rules with the engine of `execution.evm`, and no code that executes anything.
"""
