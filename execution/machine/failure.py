"""How an instruction fails: one way, whatever the reason."""


class Failure(Exception):
    """The frame fails: its gas is gone and its changes are undone. The reason is for people."""


class OutOfGas(Failure):
    """Not enough gas, or an operand that no gas could pay for."""
