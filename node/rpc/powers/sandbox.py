"""State by decree, and accounts that pose: what only `devnet --sandbox` allows.

On a devnet that proves what it does these methods exist too, so that they can say why not, and what
to do instead.
"""

from typing import Any, Final

from node.powers.errors import NeedsSandbox
from node.powers.limits import CODE_BYTES_MAX
from node.rpc.codec import (
    parse_address,
    parse_bool,
    parse_data,
    parse_hash,
    parse_quantity,
    parse_slot,
)
from node.rpc.dispatch import Param, method
from node.rpc.errors import InvalidParams
from node.rpc.powers.parse import Ask, alias, parse_number
from state.types import Address, Hash32

_ADDRESS: Final = Param(parse_address)


def _parse_code(value: object) -> bytes:
    code = parse_data(value)
    if len(code) > CODE_BYTES_MAX:
        raise InvalidParams(f"code has at most {CODE_BYTES_MAX} bytes, not {len(code)}")
    return code


class SandboxPowers:
    """Edits of the layer whose node is asked; each is in a block of its own when it returns."""

    def __init__(self, ask: Ask, *, is_sandbox: bool) -> None:
        self._ask_devnet = ask
        self._is_sandbox = is_sandbox

    async def _ask(self, power: str, instead: str, /, **arguments: Any) -> None:
        if not self._is_sandbox:
            raise NeedsSandbox(instead)
        await self._ask_devnet(power, **arguments)

    @method("anvil_setBalance", _ADDRESS, Param(parse_quantity))
    async def set_balance(self, address: Address, balance: int) -> None:
        """Set an account's balance, in wei."""
        instead = "send ETH from a dev account, or use `tallystick faucet`"
        await self._ask("edit", instead, address=address.hex(), balance=hex(balance))

    hardhat_set_balance = alias("hardhat_setBalance", set_balance, answer=True)

    @method("anvil_setNonce", _ADDRESS, Param(parse_number))
    async def set_nonce(self, address: Address, nonce: int) -> None:
        """Set an account's nonce."""
        instead = "send as many transactions from the account"
        await self._ask("edit", instead, address=address.hex(), nonce=hex(nonce))

    hardhat_set_nonce = alias("hardhat_setNonce", set_nonce, answer=True)

    @method("anvil_setCode", _ADDRESS, Param(_parse_code))
    async def set_code(self, address: Address, code: bytes) -> None:
        """Set a contract's code."""
        instead = "deploy the contract with a transaction"
        await self._ask("edit", instead, address=address.hex(), code=code.hex())

    hardhat_set_code = alias("hardhat_setCode", set_code, answer=True)

    @method("anvil_setStorageAt", _ADDRESS, Param(parse_slot), Param(parse_hash))
    async def set_storage(self, address: Address, slot: int, value: Hash32) -> bool:
        """Set a slot of a contract's storage."""
        instead = "call the contract"
        slots = {hex(slot): value.hex()}
        await self._ask("edit", instead, address=address.hex(), slots=slots)
        return True

    hardhat_set_storage = alias("hardhat_setStorageAt", set_storage)

    # Posing

    @method("anvil_impersonateAccount", _ADDRESS)
    async def impersonate(self, address: Address) -> None:
        """Let an account be sent for without its signature, be it a contract."""
        await self._pose(address=address.hex(), enabled=True)

    hardhat_impersonate = alias("hardhat_impersonateAccount", impersonate, answer=True)

    @method("anvil_stopImpersonatingAccount", _ADDRESS)
    async def stop_impersonating(self, address: Address) -> None:
        """Let it no longer."""
        await self._pose(address=address.hex(), enabled=False)

    hardhat_stop = alias("hardhat_stopImpersonatingAccount", stop_impersonating, answer=True)

    @method("anvil_autoImpersonateAccount", Param(parse_bool))
    async def impersonate_all(self, enabled: bool) -> None:
        """Let every account be sent for without a signature, or no longer."""
        await self._pose(address=None, enabled=enabled)

    async def _pose(self, address: str | None, enabled: bool) -> None:
        instead = "send from a dev account (eth_accounts), for which this node signs"
        await self._ask("pose", instead, address=address, enabled=enabled)
