"""Whom a transaction concerns: its two ends, and everybody that its calls reach."""

from collections.abc import Iterator
from typing import Final

from execution.evm.precompiles import precompiles
from execution.evm.tracer import Entry, Tracer
from execution.replay import MinedReplay, ReplayDiffers
from state.accounts import EMPTY_CODE_HASH, StateReader
from state.stored import StoredBlock
from state.types import Address

_PRECOMPILES: Final = frozenset(precompiles())


class TouchTracer(Tracer):
    """Collects the addresses that call or are called; precompiles are nobody."""

    def __init__(self) -> None:
        self.addresses: set[Address] = set()

    def enter(self, entry: Entry) -> None:
        self.addresses.add(entry.sender)
        if entry.to not in _PRECOMPILES:
            self.addresses.add(entry.to)


def touches(
    block: StoredBlock,
    recipients: tuple[Address | None, ...],
    parent: StateReader,
    replay: MinedReplay,
) -> Iterator[set[Address]]:
    """For each transaction of a block, the addresses that it concerns.

    A block in which no code runs is not run again. Where a transaction does not run again as it
    did, because the state was edited beside the chain, only its ends are known.
    """
    runs_code = any(to is None or _has_code(parent, to) for to in recipients)
    for index, (sender, to, created) in enumerate(
        zip(block.senders, recipients, block.contracts, strict=True)
    ):
        ends = {address for address in (sender, to, created) if address is not None}
        if runs_code:
            tracer = TouchTracer()
            try:
                replay.skip_to(index)
                replay.run(tracer)
            except ReplayDiffers:
                runs_code = False
            ends |= tracer.addresses
        yield ends


def _has_code(state: StateReader, address: Address) -> bool:
    account = state.account(address)
    return account is not None and account.code_hash != EMPTY_CODE_HASH
