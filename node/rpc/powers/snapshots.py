"""Going back: snapshots and reorgs."""

from node.rpc.codec import (
    as_given,
    data,
    parse_address,
    parse_data,
    parse_hash,
    parse_string,
    quantity,
)
from node.rpc.dispatch import Param, method
from node.rpc.errors import InvalidParams
from node.rpc.powers.parse import Ask, alias, parse_number, parse_positive
from state.types import Address, Hash32


class SnapshotPowers:
    """Both layers are kept and put back together, whichever layer's node is asked."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    @method("evm_snapshot")
    async def snapshot(self) -> str:
        """Keep both layers as they are now; the snapshot's id."""
        return quantity(await self._ask("snapshot"))

    anvil_snapshot = alias("anvil_snapshot", snapshot)

    @method("evm_revert", Param(parse_number))
    async def revert(self, number: int) -> bool:
        """Put both layers and the clock back. The snapshot and later ones are used up.

        False where there is no such snapshot.
        """
        is_done: bool = await self._ask("revert", number=number)
        return is_done

    anvil_revert = alias("anvil_revert", revert)

    @method("anvil_dumpState", Param(parse_string, None))
    async def dump(self, name: str | None) -> str:
        """Both layers in one file: its bytes, or its path if it is kept under a name."""
        written: str = await self._ask("dump", name=name)
        return written if name is not None else "0x" + written

    @method("anvil_loadState", Param(parse_string))
    async def load(self, dump: str) -> bool:
        """Put both layers to what a dump holds, which comes as its bytes or by its name."""
        if dump.startswith("0x"):
            await self._ask("load", content=parse_data(dump).hex())
        else:
            await self._ask("load", name=dump)
        return True

    @method("anvil_reset", Param(as_given, None))
    async def reset(self, options: object) -> None:
        """Put everything back to when the devnet was first ready."""
        if isinstance(options, dict) and options.get("forking"):
            raise InvalidParams("this devnet forks no other chain: reset takes no options")
        await self._ask("reset")

    hardhat_reset = alias("hardhat_reset", reset, answer=True)


class ReorgPowers:
    """Blocks of this layer that give way, and transactions that never come into one."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    @method("anvil_rollback", Param(parse_positive, 1))
    async def rollback(self, depth: int) -> None:
        """Take the newest blocks back and forget what they held."""
        await self._ask("rollback", depth=depth)

    @method("anvil_reorg", Param(parse_positive), Param(as_given, None))
    async def reorg(self, depth: int, transactions: object) -> None:
        """Replace the newest blocks by as many others; their transactions come in again."""
        if transactions:
            raise InvalidParams(
                "transactions can't be named: those of the replaced blocks come in again, and"
                " others are sent as usual"
            )
        await self._ask("reorg", depth=depth)

    @method("anvil_dropTransaction", Param(parse_hash))
    async def drop(self, transaction: Hash32) -> str | None:
        """Take a transaction out of the pool; its hash, or null where it was not there.

        Those that its sender queued behind it go too.
        """
        dropped = await self._ask("drop", transaction=transaction.hex())
        return data(transaction) if dropped else None

    @method("hardhat_dropTransaction", Param(parse_hash))
    async def drop_found(self, transaction: Hash32) -> bool:
        """Take a transaction out of the pool; whether it was there."""
        return await self.drop(transaction) is not None

    @method("anvil_dropAllTransactions")
    async def drop_all(self) -> None:
        """Empty the pool."""
        await self._ask("drop")

    @method("anvil_removePoolTransactions", Param(parse_address))
    async def drop_sender(self, sender: Address) -> None:
        """Take all of a sender's transactions out of the pool."""
        await self._ask("drop", sender=sender.hex())
