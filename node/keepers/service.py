"""The keepers as a service of a node: they talk to it over its own JSON-RPC, as any other would."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True)
class KeeperCounts:
    """What keepers did since the start, by their names."""

    sent: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)


class LogBook:
    """Writes what keepers did to the log, and counts it."""

    def __init__(self, counts: KeeperCounts | None = None) -> None:
        self._memory = Memory()
        self._counts = KeeperCounts() if counts is None else counts

    def tell(self, keeper: Keeper, done: Done) -> None:
        self._counts.sent[keeper.name] += len(done.sent)
        self._counts.refused[keeper.name] += len(done.refused)
        log = logging.getLogger(f"tallystick.keeper.{keeper.name}")
        level = logging.DEBUG if keeper.name in ROUTINE else logging.INFO
        for sent in done.sent:
            log.log(level, "%s (block %d, %d gas)", sent.what, sent.block, sent.gas_used)
        for refused in self._memory.new_refusals(keeper, done):
            log.log(level, "%s: %s", refused.what, refused.reason)


async def run_keepers(settings: CrewSettings, counts: KeeperCounts | None = None) -> None:
    """Run until cancelled, and count into `counts`. Only an `InternalError` ends it."""
    async with crew(settings) as keepers:
        await keep_all(keepers, LogBook(counts).tell)


async def keep_all(keepers: Iterable[Keeper], tell: Tell) -> None:
    """Let each take its steps until cancelled. Raises the `InternalError` that ends one."""
    try:
        async with asyncio.TaskGroup() as group:
            for keeper in keepers:
                group.create_task(keep(keeper, tell))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
