"""The evidence of a broken invariant: a file that holds the node, and how an operator goes on.

A node whose data folder has the evidence of a block that is still in its chain doesn't start before
`--accept-violation` names that block. What was accepted then is passed over as long as it gets no
worse; anything else is a violation as before.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from node.evidence_file import read_evidence_files, write_evidence_file
from node.monitor.findings import Accepted, Finding, Invariant
from state.blocks import BlockId
from state.errors import InternalError
from state.store import ChainStore
from state.stored import StoredBlock
from state.types import BlockNumber, Hash32

PREFIX: Final = "invariant-broken-"
"""Of the name of an evidence file; the block's number and .json follow."""

VERSION: Final = 1
"""Of the file's layout."""


class InvariantBroken(InternalError):
    """A block left the clearing house's books as they must not be."""

    def __init__(self, number: BlockNumber, what: str, path: Path) -> None:
        super().__init__(
            f"block {number} breaks an invariant of the clearing house ({what}): {path} is the"
            " evidence, please report it; nothing of that block goes to L1; to go on with it all"
            f" the same, start with --accept-violation {number}"
        )
        self.number = number
        self.path = path


@dataclass(frozen=True, slots=True)
class KeptViolation:
    """What a start needs to know of an evidence file."""

    path: Path
    id: BlockId
    what: str
    findings: tuple[Accepted, ...]


def write_violation(
    folder: Path,
    block: StoredBlock,
    findings: Sequence[Finding],
    slots: Mapping[int, Mapping[int, int]],
    *,
    chain_id: int,
) -> InvariantBroken:
    """Write down what was found, with the slots of the accounts in it; the error to raise."""
    evidence = {
        "version": VERSION,
        "block": block.header.number,
        "chainId": chain_id,
        "hash": _hex(block.hash),
        "parentHash": _hex(block.header.parent_hash),
        "stateRoot": _hex(block.header.state_root),
        "transactions": len(block.transactions),
        "findings": [_finding_json(one) for one in findings],
        "accounts": {
            str(account): {f"{slot:#066x}": hex(word) for slot, word in words.items()}
            for account, words in slots.items()
        },
    }
    path = write_evidence_file(folder, PREFIX, evidence)
    return InvariantBroken(block.header.number, summary(findings[0]), path)


def kept_violations(folder: Path) -> list[KeptViolation]:
    """The evidence in a data folder, by block. Raises `EvidenceUnreadable`."""
    return sorted(read_evidence_files(folder, PREFIX, _kept), key=lambda one: one.id.number)


def settle_violations(
    folder: Path, store: ChainStore, accepted: Collection[BlockNumber]
) -> tuple[Accepted, ...]:
    """Before a node starts: what it may pass over. Raises `InvariantBroken`.

    Evidence of a block in whose place the chain has another one is of the past.
    """
    passed: list[Accepted] = []
    for kept in kept_violations(folder):
        if kept.id.number in accepted:
            passed += kept.findings
            continue
        stands = store.block_id(kept.id.number)
        if stands is None or stands == kept.id:
            raise InvariantBroken(kept.id.number, kept.what, kept.path)
    return tuple(passed)


def summary(finding: Finding) -> str:
    """A finding in a few words."""
    return f"invariant {finding.invariant.value}, {finding.subject}: {finding.what}"


def _finding_json(finding: Finding) -> dict[str, Any]:
    """Numbers are text: they are larger than what JSON readers keep exact."""
    return {
        "invariant": finding.invariant.value,
        "name": finding.invariant.name,
        "subject": finding.subject,
        "what": finding.what,
        "off": None if finding.off is None else str(finding.off),
        "numbers": {name: str(number) for name, number in finding.numbers.items()},
        "accounts": list(finding.accounts),
    }


def _kept(path: Path, found: Any) -> KeptViolation:
    number = BlockNumber(int(found["block"]))
    findings = tuple(
        Accepted(
            number,
            Invariant(one["invariant"]),
            str(one["subject"]),
            None if one["off"] is None else int(one["off"]),
        )
        for one in found["findings"]
    )
    first = found["findings"][0]
    what = f"invariant {first['invariant']}, {first['subject']}: {first['what']}"
    block_hash = Hash32(bytes.fromhex(found["hash"][2:]))
    return KeptViolation(path, BlockId(number, block_hash), what, findings)


def _hex(data: bytes) -> str:
    return f"0x{data.hex()}"
