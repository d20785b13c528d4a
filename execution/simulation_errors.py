"""Why a transaction that leaves no trace doesn't come to its end.

    Invalid
    ├── SimulationFailed             it runs, but not to its end
    │   ├── ExecutionReverted
    │   └── ExecutionHalted
    └── GasRequiredExceedsAllowance

Apart from `execution.simulate`, because who only tells of them need not load the EVM.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from state.errors import Invalid

if TYPE_CHECKING:
    from execution.evm.engine import Outcome


class SimulationFailed(Invalid):
    """The transaction runs, but not to its end. `outcome` says how far."""

    def __init__(self, message: str, outcome: Outcome) -> None:
        super().__init__(message)
        self.outcome = outcome


class ExecutionReverted(SimulationFailed):
    """The contract reverted. `data` is what it returned: an ABI-encoded reason, as a rule."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__("execution reverted", outcome)
        self.data = outcome.output


class ExecutionHalted(SimulationFailed):
    """The contract ran into an exceptional halt, which is named in geth's words."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.error or "execution halted", outcome)


class GasRequiredExceedsAllowance(Invalid):
    """No gas limit that the sender may use or can pay for is enough."""

    def __init__(self, allowance: int) -> None:
        super().__init__(f"gas required exceeds allowance ({allowance})")
