"""What can be wrong with moving something between the layers.

Invalid
├── TooLittle           the account doesn't have that much
├── NoWithdrawal        an L2 transaction that sent nothing to L1, or isn't there
└── DepositFailed       what was deposited didn't get where it was to go
"""

from state.errors import Invalid
from state.types import Address, Hash32


class TooLittle(Invalid):
    """The account doesn't have that much."""

    def __init__(self, account: Address, has: str, needs: str, remedy: str) -> None:
        super().__init__(f"0x{account.hex()} has {has}, and this takes {needs}: {remedy}")


class NoWithdrawal(Invalid):
    """An L2 transaction in which no withdrawal began."""

    def __init__(self, hash: Hash32, why: str) -> None:
        super().__init__(
            f"L2 transaction 0x{hash.hex()} {why}: give the hash of the transaction that began"
            " the withdrawal"
        )


class DepositFailed(Invalid):
    """What was deposited didn't get where it was to go."""

    def __init__(self, hash: Hash32, status: str, what: str) -> None:
        super().__init__(f"the deposit's L2 transaction 0x{hash.hex()} is {status}: {what}")
        self.status = status
