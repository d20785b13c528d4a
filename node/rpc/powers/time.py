"""The clock, and when blocks are made."""

from node.rpc.codec import parse_bool
from node.rpc.dispatch import Param, method
from node.rpc.powers.parse import (
    Ask,
    MineOptions,
    alias,
    parse_mine,
    parse_number,
    parse_positive,
)


class TimePowers:
    """One clock moves both layers: disputes, withdrawals, funding and expiries follow it."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    @method("evm_increaseTime", Param(parse_number))
    async def increase_time(self, seconds: int) -> int:
        """Skip so many seconds; answers how far ahead the clock is in all."""
        offset: int = await self._ask("increase_time", seconds=seconds)
        return offset

    anvil_increase_time = alias("anvil_increaseTime", increase_time)

    @method("evm_setNextBlockTimestamp", Param(parse_number))
    async def set_next_timestamp(self, timestamp: int) -> None:
        """Give this layer's next block that time, from which the clock goes on."""
        await self._ask("set_next_timestamp", timestamp=timestamp)

    anvil_set_next_timestamp = alias("anvil_setNextBlockTimestamp", set_next_timestamp)


class MiningPowers:
    """Blocks of the layer whose node is asked."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    @method("evm_mine", Param(parse_mine, MineOptions()))
    async def mine_one(self, options: MineOptions) -> str:
        """Make a block now, or several; the timestamp is that of the first."""
        await self._ask("mine", blocks=options.blocks, timestamp=options.timestamp)
        return "0x0"

    @method("anvil_mine", Param(parse_positive, 1), Param(parse_number, 0))
    async def mine(self, blocks: int, interval: int) -> None:
        """Make blocks now, so many seconds apart."""
        await self._ask("mine", blocks=blocks, interval=interval)

    hardhat_mine = alias("hardhat_mine", mine, answer=True)

    @method("evm_setAutomine", Param(parse_bool))
    async def set_automine(self, enabled: bool) -> None:
        """Make a block for each transaction, and none by the clock; or no longer."""
        if enabled or (await self._ask("pace"))["automine"]:
            await self._ask("set_pace", interval=None, automine=enabled)

    anvil_set_automine = alias("anvil_setAutomine", set_automine)

    @method("anvil_getAutomine")
    async def automine(self) -> bool:
        """Whether a transaction is enough for a block."""
        enabled: bool = (await self._ask("pace"))["automine"]
        return enabled

    hardhat_automine = alias("hardhat_getAutomine", automine)

    @method("evm_setIntervalMining", Param(parse_number))
    async def set_interval(self, seconds: int) -> None:
        """Make a block every so many seconds; with 0 only when told."""
        await self._ask("set_pace", interval=seconds or None, automine=False)

    anvil_set_interval = alias("anvil_setIntervalMining", set_interval)

    @method("anvil_getIntervalMining")
    async def interval(self) -> float | None:
        """Seconds between two blocks, or null where none comes by itself."""
        seconds: float | None = (await self._ask("pace"))["interval"]
        return int(seconds) if seconds is not None and seconds == int(seconds) else seconds
