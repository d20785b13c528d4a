"""The evidence of a disagreement between engine and machine: a file that holds the node.

A node whose data folder has the evidence of a block doesn't start before the operator has said what
to go on with, or the stored block is the machine's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from bridge.boundary import Boundary
from bridge.derive.anchor import Anchor
from bridge.derive.engine import BlockTask
from bridge.machine.difference import Difference, StepPlace
from execution.evm.tracing import Instant
from execution.machine.opcodes.mnemonics import mnemonic
from node.evidence_file import read_evidence_files, write_evidence_file
from node.rpc.format import header_json
from state.blocks import Header
from state.errors import InternalError
from state.headers import header_hash
from state.types import BlockNumber, Hash32

PREFIX: Final = "machine-disagrees-"
"""Of the name of an evidence file; the block's number and .json follow."""

VERSION: Final = 1
"""Of the file's layout."""


class MachineDisagrees(InternalError):
    """The engine and the machine give different results for a block."""

    def __init__(self, number: BlockNumber, path: Path) -> None:
        super().__init__(
            f"the engine and the machine disagree about block {number}: {path} is the evidence,"
            " please report it; L1 runs the machine's rules, so go on with its result by"
            f" --machine-result {number}"
        )
        self.number = number
        self.path = path


@dataclass(frozen=True, slots=True)
class Result:
    """What one side makes of a block: all of it follows from the boundary and the header."""

    header: Header
    boundary: Boundary

    @property
    def hash(self) -> Hash32:
        return header_hash(self.header)


@dataclass(frozen=True, slots=True)
class KeptEvidence:
    """What a start needs to know of an evidence file."""

    path: Path
    number: BlockNumber
    machine_root: Hash32 | None
    """The machine's output root; None where it found no block."""


def differing(engine: Result, machine: Result | None) -> list[str]:
    """What is not equal, by the names that the evidence has for it."""
    if machine is None:
        return ["block"]
    pairs = (
        ("header", engine.header, machine.header),
        ("boundary", engine.boundary, machine.boundary),
    )
    return [
        f"{name}.{_camel(field.name)}"
        for name, ours, theirs in pairs
        for field in fields(ours)
        if getattr(ours, field.name) != getattr(theirs, field.name)
    ]


def evidence_json(
    task: BlockTask,
    item: Anchor,
    engine: Result,
    machine: Result | None,
    differs: Sequence[str],
    difference: Difference,
    *,
    is_repeatable: bool,
) -> dict[str, Any]:
    """All that is known, in the shape of the file."""
    transaction = difference.transaction
    return {
        "version": VERSION,
        "block": engine.header.number,
        "chainId": task.config.chain_id,
        "inboxItem": {"index": item.index, "acc": _hex(item.acc)},
        "parent": {
            "hash": _hex(task.boundary.header_hash),
            "outputRoot": _hex(task.boundary.output_root),
        },
        "engine": _result_json(engine),
        "machine": None if machine is None else _result_json(machine),
        "differs": list(differs),
        "difference": difference.what,
        "isRepeatable": is_repeatable,
        "transaction": None
        if transaction is None
        else {"index": transaction.index, "hash": _hex(transaction.hash)},
        "step": _step_json(difference.step),
    }


def write_evidence(folder: Path, evidence: dict[str, Any]) -> Path:
    """Write the file, whole or not at all; evidence of the same block gives way."""
    return write_evidence_file(folder, PREFIX, evidence)


def kept_evidence(folder: Path) -> list[KeptEvidence]:
    """The evidence in a data folder, by block. Raises `EvidenceUnreadable`."""
    return sorted(read_evidence_files(folder, PREFIX, _kept), key=lambda one: one.number)


def _kept(path: Path, found: Any) -> KeptEvidence:
    machine = found["machine"]
    root = None if machine is None else Hash32(bytes.fromhex(machine["outputRoot"][2:]))
    return KeptEvidence(path, BlockNumber(int(found["block"])), root)


def _result_json(result: Result) -> dict[str, Any]:
    boundary = result.boundary
    return {
        "outputRoot": _hex(boundary.output_root),
        "header": header_json(result.header, result.hash),
        "messagePasserRoot": _hex(boundary.message_passer_root),
        "cursor": {
            "nextBatch": boundary.cursor.next_batch,
            "offset": boundary.cursor.offset,
            "nextDeposit": boundary.cursor.next_deposit,
        },
        "origin": {
            "item": boundary.origin.item,
            "sequenceNumber": boundary.origin.sequence_number,
        },
    }


def _step_json(step: StepPlace) -> dict[str, Any]:
    return {
        "first": step.first,
        "end": step.end,
        "status": step.status.name,
        "before": _instant_json(step.before),
        "engineAfter": _instant_json(step.engine),
        "machineAfter": _instant_json(step.machine),
    }


def _instant_json(instant: Instant | None) -> dict[str, Any] | None:
    """What is seen right before an instruction; the stack from the bottom up."""
    if instant is None:
        return None
    return {
        "depth": instant.depth,
        "address": _hex(instant.address),
        "pc": instant.pc,
        "opcode": mnemonic(instant.opcode),
        "gas": instant.gas,
        "stack": [hex(word) for word in instant.stack],
    }


def _camel(name: str) -> str:
    first, *more = name.split("_")
    return first + "".join(word.capitalize() for word in more)


def _hex(data: bytes) -> str:
    return f"0x{data.hex()}"
