"""The keepers as a service of a node: they talk to it over its own JSON-RPC, as any other would."""

import asyncio
import logging
from collections.abc import Iterable

from node.keepers.crew import crew
from node.keepers.keeper import Done, Keeper, Refused, Tell, keep
from node.keepers.settings import CrewSettings

ROUTINE = frozenset({"oracle", "funding", "arrays"})
"""What these send every few seconds is logged at the level of details."""


class Memory:
    """Knows what was refused in a keeper's last step, so that a refusal is told only once."""

    def __init__(self) -> None:
        self._refused: dict[str, tuple[Refused, ...]] = {}

    def new_refusals(self, keeper: Keeper, done: Done) -> list[Refused]:
        """Those that the step before didn't have."""
        before = self._refused.get(keeper.name, ())
        self._refused[keeper.name] = done.refused
        return [refused for refused in done.refused if refused not in before]


class LogBook:
    """Writes what keepers did to the log."""

    def __init__(self) -> None:
        self._memory = Memory()

    def tell(self, keeper: Keeper, done: Done) -> None:
        log = logging.getLogger(f"tallystick.keeper.{keeper.name}")
        level = logging.DEBUG if keeper.name in ROUTINE else logging.INFO
        for sent in done.sent:
            log.log(level, "%s (block %d, %d gas)", sent.what, sent.block, sent.gas_used)
        for refused in self._memory.new_refusals(keeper, done):
            log.log(level, "%s: %s", refused.what, refused.reason)


async def run_keepers(settings: CrewSettings) -> None:
    """Run until cancelled. Only an `InternalError` ends it."""
    async with crew(settings) as keepers:
        await keep_all(keepers, LogBook().tell)


async def keep_all(keepers: Iterable[Keeper], tell: Tell) -> None:
    """Let each take its steps until cancelled. Raises the `InternalError` that ends one."""
    try:
        async with asyncio.TaskGroup() as group:
            for keeper in keepers:
                group.create_task(keep(keeper, tell))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
