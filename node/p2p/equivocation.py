"""Holds the sequencer to what it signed: one block in one place.

Two signed blocks of one number and parent are equivocation if L1 has the inbox items that both
stand on. A sequencer whose L1 took items back builds and signs anew, on another anchor; only one
of the two stands then, and the other one is no fault.
"""

from collections import OrderedDict
from pathlib import Path
from typing import Any, Final, NamedTuple

from bridge.derive.records import stands
from bridge.derive.source import ItemSource
from node.evidence_file import read_evidence_files, write_evidence_file
from node.p2p.blocks import BlockDomain, SignedClaim
from node.p2p.limits import CLAIMS_KEPT, CLAIMS_PER_PLACE_MAX
from state.types import Hash32

EQUIVOCATION: Final = "equivocation-"
WRONG_BLOCK: Final = "wrong-block-"
"""Prefixes of evidence files in the data folder."""


class Place(NamedTuple):
    """Where a block goes: there is room for one."""

    number: int
    parent: bytes


class Equivocation(NamedTuple):
    """Two claims that can't both be honest."""

    first: SignedClaim
    second: SignedClaim


class EquivocationWatch:
    """Remembers the signed claims of the last blocks."""

    def __init__(self) -> None:
        self._claims: OrderedDict[Place, dict[bytes, SignedClaim]] = OrderedDict()
        self._contested: set[Place] = set()

    def see(self, signed: SignedClaim) -> None:
        """Remember a claim whose signature was checked."""
        place = Place(signed.claim.number, signed.claim.parent)
        claims = self._claims.setdefault(place, {})
        if len(claims) < CLAIMS_PER_PLACE_MAX:
            claims.setdefault(signed.claim.hash, signed)
        if len(claims) > 1:
            self._contested.add(place)
        while len(self._claims) > CLAIMS_KEPT:
            oldest, _ = self._claims.popitem(last=False)
            self._contested.discard(oldest)

    def find(self, log: ItemSource) -> Equivocation | None:
        """Two claims for one place that both stand on L1 as it is now, if there are such."""
        for place in self._contested:
            claims = self._claims[place].values()
            standing = [one for one in claims if stands(one.claim.stands_on, log)]
            if len(standing) > 1:
                return Equivocation(standing[0], standing[1])
        return None


def write_equivocation(folder: Path, domain: BlockDomain, found: Equivocation) -> Path:
    """Keep both messages, so that anybody can check the signatures."""
    return write_evidence_file(folder, EQUIVOCATION, _evidence(domain, *found))


def write_wrong_block(
    folder: Path, domain: BlockDomain, signed: SignedClaim, executed: Hash32
) -> Path:
    """Keep a signed block that executes to another hash here than the sequencer signed."""
    evidence = {**_evidence(domain, signed), "executedHash": _hex(executed)}
    return write_evidence_file(folder, WRONG_BLOCK, evidence)


def read_evidence(folder: Path) -> list[Path]:
    """The files that an operator hasn't put away. Raises `EvidenceUnreadable`."""
    prefixes = (EQUIVOCATION, WRONG_BLOCK)
    return [path for prefix in prefixes for path in read_evidence_files(folder, prefix, _checked)]


def _checked(path: Path, evidence: Any) -> Path:
    if not evidence["messages"]:
        raise ValueError("it has no messages")
    return path


def _evidence(domain: BlockDomain, *messages: SignedClaim) -> dict[str, Any]:
    return {
        "block": messages[0].claim.number,
        "chainId": domain.chain_id,
        "genesis": _hex(domain.genesis),
        "sequencer": _hex(domain.sequencer),
        "messages": [_message(one) for one in messages],
    }


def _message(signed: SignedClaim) -> dict[str, Any]:
    claim = signed.claim
    return {
        "number": claim.number,
        "parent": _hex(claim.parent),
        "hash": _hex(claim.hash),
        "anchor": claim.anchor,
        "accumulator": _hex(claim.accumulator),
        "payload": _hex(claim.payload),
        "signature": _hex(signed.signature),
    }


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
