"""Proofs with one thing wrong: a byte of the witness, or a field of the state that it opens."""

from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple, get_args

from bridge.dispute.local_prover import ProofRefused
from bridge.machine.inputs import INPUTS_TAG
from execution.machine.block import BLOCK_TAG
from execution.machine.frame import FRAME_TAG
from execution.machine.operations import Operation
from execution.machine.state import MACHINE_TAG
from execution.machine.transaction import PENDING_TAG, TX_TAG
from state.keccak import keccak
from state.types import ZERO_ADDRESS, Hash32
from tests.bridge.prover.blocks import prover
from tests.bridge.prover.court import Exhibit

WORD = 32
STATE_WORDS = 11

KINDS: Final = (
    ("block", BLOCK_TAG, 21),
    ("inputs", INPUTS_TAG, 19),
    ("pending", PENDING_TAG, 3),
    ("transaction", TX_TAG, 23),
    ("frame", FRAME_TAG, 31),
    *(
        (kind.__name__, kind.TAG, words)
        for kind, words in zip(get_args(Operation), (7, 4, 1, 4, 13, 5, 5, 1, 1), strict=True)
    ),
)
"""Structures that a word commits to: name, tag, and number of words (docs/machine.md)."""


class Opened(NamedTuple):
    """A structure in a witness."""

    name: str
    tag: Hash32
    offset: int
    """Where its words begin."""
    words: int
    within: "Opened | None" = None
    """What has the word that commits to it."""
    place: int = 0
    """Where that word is."""


class Mutation(NamedTuple):
    """A state with one field changed, and the witness that opens it."""

    structure: str
    number: int
    """Which of its fields, from 1 on (docs/machine.md)."""
    before: Hash32
    witness: bytes


def answer(exhibit: Exhibit, before: Hash32, witness: bytes) -> Hash32 | None:
    """What the provers say that follows, None if they refuse."""
    inbox = prover().inbox_of(exhibit.items) if exhibit.items else ZERO_ADDRESS
    try:
        return prover().step(
            before,
            witness,
            l2_block=exhibit.l2_block,
            inbox_count=len(exhibit.items),
            inbox=inbox,
        )
    except ProofRefused:
        return None


def damaged(witness: bytes, stride: int, first: int) -> Iterator[tuple[str, bytes]]:
    """The witness with a bit flipped in every `stride`-th byte, cut short, and with more behind."""
    for at in range(first, len(witness), stride):
        flipped = bytes([witness[at] ^ (1 << (at // stride % 8))])
        yield f"byte {at}", witness[:at] + flipped + witness[at + 1 :]
    for cut in (1, WORD, len(witness)):
        yield f"{cut} bytes less", witness[:-cut]
    for more in (1, WORD):
        yield f"{more} bytes more", witness + bytes(more)


def opened_in(witness: bytes) -> list[Opened]:
    """The structures in a witness, from the machine's words on."""
    committed = {
        keccak(tag + witness[offset : offset + words * WORD]): (name, tag, offset, words)
        for offset in range(STATE_WORDS * WORD, len(witness), WORD)
        for name, tag, words in KINDS
    }
    found = [Opened("machine", MACHINE_TAG, 0, STATE_WORDS)]
    for structure in found:
        for place in _places(structure):
            below = committed.get(Hash32(witness[place : place + WORD]))
            if below is not None:
                found.append(Opened(*below, structure, place))
    return found


def _places(structure: Opened) -> range:
    return range(structure.offset, structure.offset + structure.words * WORD, WORD)


def mutations(witness: bytes, first: int = 0, stride: int = 1) -> Iterator[Mutation]:
    """Fields of all structures, each with its lowest and with its highest bit flipped."""
    flips = (
        (structure, number, at, bit)
        for structure in opened_in(witness)
        for number, place in enumerate(_places(structure), 1)
        for at, bit in ((place + WORD - 1, 0x01), (place, 0x80))
    )
    for structure, number, at, bit in islice(flips, first, None, stride):
        changed = bytearray(witness)
        changed[at] ^= bit
        before = _committed_anew(changed, structure)
        yield Mutation(structure.name, number, before, bytes(changed))


def _committed_anew(witness: bytearray, structure: Opened) -> Hash32:
    """Put the structure's hash where it belongs, and so on up to the state's."""
    end = structure.offset + structure.words * WORD
    new = keccak(structure.tag + bytes(witness[structure.offset : end]))
    if structure.within is None:
        return new
    witness[structure.place : structure.place + WORD] = new
    return _committed_anew(witness, structure.within)
