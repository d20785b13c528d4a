"""The gas of one frame: py-evm's meter without its logging."""

from eth.exceptions import OutOfGas
from eth.vm.gas_meter import GasMeter as EthGasMeter


class GasMeter(EthGasMeter):
    """Gas left; refunds are the account database's, where a revert undoes them."""

    def __init__(self, start_gas: int) -> None:
        self.start_gas = start_gas
        self.gas_remaining = start_gas

    def consume_gas(self, amount: int, reason: str) -> None:
        """Take `amount`. Raises `OutOfGas`, taking nothing."""
        remaining = self.gas_remaining - amount
        if remaining < 0:
            raise OutOfGas(f"{reason} needs {amount} gas of {self.gas_remaining}")
        self.gas_remaining = remaining

    def return_gas(self, amount: int) -> None:
        """Take back what a callee left."""
        self.gas_remaining += amount
