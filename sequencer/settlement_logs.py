"""What the clearing house's events say of a settlement."""

from collections.abc import Iterable, Sequence
from functools import cache

from execution.contracts.abi import clearing_house
from genesis.predeploys import CLEARING_HOUSE
from sequencer.matching.events import Fill
from sequencer.matching.inputs import Outcome, Refusal
from state.blocks import Log
from state.types import BlockNumber, Hash32


@cache
def _unsettling_topics() -> frozenset[bytes]:
    """Of the events that tell of what was not settled: most logs are of what was."""
    events = clearing_house().events
    return frozenset(
        topic for topic, item in events.items() if item["name"] in ("BatchStopped", "FillRejected")
    )


def outcome_of(
    number: BlockNumber, transaction: Hash32, fills: Sequence[Fill | None], logs: Iterable[Log]
) -> Outcome:
    """What the events say: what isn't rejected is settled, up to where the batch stopped."""
    events = [
        clearing_house().event(entry.topics, entry.data)
        for entry in logs
        if entry.address == CLEARING_HOUSE and entry.topics[0] in _unsettling_topics()
    ]
    stops = [e.arguments["firstUnprocessed"] for e in events if e.name == "BatchStopped"]
    rejected = {
        e.arguments["index"]: e.arguments["reason"] for e in events if e.name == "FillRejected"
    }
    looked_at = [(i, fill) for i, fill in enumerate(fills[: min([len(fills), *stops])]) if fill]
    return Outcome(
        time=0,
        block=number,
        transaction=transaction,
        settled=tuple(fill.id for i, fill in looked_at if i not in rejected),
        refused=tuple(Refusal(fill.id, rejected[i]) for i, fill in looked_at if i in rejected),
    )
