"""The gas of one frame."""

from eth.vm.gas_meter import GasMeter as EthGasMeter


class GasMeter(EthGasMeter):
    """Gas left, counted by the computation; refunds are the account database's to undo."""

    def __init__(self, start_gas: int) -> None:
        self.start_gas = start_gas
        self.gas_remaining = start_gas
