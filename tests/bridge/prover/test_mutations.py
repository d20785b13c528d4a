"""Whatever is changed in a proof, it proves no wrong state: every status, every instruction.

With TALLYSTICK_ALL each byte and each field is changed; otherwise a sample of them, another one for
each step.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Final

from execution.machine.opcodes.mnemonics import mnemonic
from execution.machine.opcodes.table import INSTRUCTIONS
from execution.machine.status import Status
from state.keccak import keccak
from tests.bridge.prover.court import Exhibit
from tests.bridge.prover.eventful_block import eventful_steps
from tests.bridge.prover.mutations import answer, damaged, mutations
from tests.bridge.prover.worst_instructions import instruction_cases

EVERYTHING = bool(os.environ.get("TALLYSTICK_ALL"))
BYTE_STRIDE = 1 if EVERYTHING else 31
FIELD_STRIDE = 1 if EVERYTHING else 5
LONG_STRIDE = 61 if EVERYTHING else 6_007
"""Of witnesses with paths of 64 branches or 64 KB of memory. Primes meet all places of a word."""

LONG_BYTES = 8_192

Fields = Mapping[str, frozenset[int]]
"""By structure, the numbers of its fields (docs/machine.md)."""


def fields(**of: tuple[int, ...] | range) -> Fields:
    return {structure: frozenset(numbers) for structure, numbers in of.items()}


OF_TRANSACTION = (5, 7, 8, 9, 10, 11)
"""The machine's words that a transaction has to itself: frame, journal, refund, logs, destructs and
bulk."""

RETURNED = (20, 21, 22)
ENDED = (*RETURNED, 25)
"""Return data and outcome of a frame that ends: there is none before."""

FAILED = (12, 13, 14, 15, 16, *ENDED)
LEFT = (*range(1, 12), *range(13, 31))
"""Of a frame that is left, all but its gas; of what waits for it, return data."""

FORGOTTEN: Final[Mapping[str, Fields]] = {
    "BOUNDARY": fields(machine=(3,)),
    "DECODE to SCAN": fields(inputs=range(3, 11)),
    "DECODE to ORIGIN": fields(inputs=(*range(3, 14), *range(15, 20))),
    "SCAN to ORIGIN": fields(inputs=(13,)),
    "ORIGIN": fields(machine=(4, 6, 7), inputs=(11, 16)),
    "NEXT to VALIDATE": fields(machine=(4,)),
    "UNFIT": fields(machine=(4,)),
    "VALIDATE to NEXT": fields(machine=OF_TRANSACTION, pending=(3,)),
    "BUY to NEXT": fields(machine=OF_TRANSACTION, transaction=range(1, 24)),
    "BUY to WARM": fields(transaction=(21,)),
    "BUY to SETTLE": fields(transaction=(21, 22)),
    "BEGIN": fields(machine=(11,)),
    "RECEIPT": fields(machine=OF_TRANSACTION, transaction=(*range(3, 10), *range(11, 21), 23)),
    "TRANSACTIONS_ROOT": fields(inputs=(6, 18)),
    "RECEIPTS_ROOT": fields(inputs=(19,)),
    "SEAL": fields(
        machine=(4, *OF_TRANSACTION),
        block=(1, 4, 8, 18, 19, 20),
        inputs=(*range(1, 10), 15, 16, 17),
    ),
    "LOAD": fields(frame=(8, 9, 10)),
    "PRECOMPILE": fields(frame=ENDED),
    "COPY to RUN": fields(CopyOperation=(3, 6)),
    "SLOAD": fields(SlotOperation=(2, 3, 4)),
    "SSTORE_READ": fields(SlotOperation=(4,)),
    "SELFDESTRUCT_SEND": fields(SelfdestructOperation=(1,)),
    "SELFDESTRUCT_MARK": fields(frame=ENDED),
    "LEAVE to SETTLE": fields(frame=LEFT, transaction=(21, 22)),
    "LEAVE": fields(machine=(11,), frame=LEFT),
    "ENTER to LOAD": fields(CallOperation=(2, 7)),
    "ENTER to PRECOMPILE": fields(CallOperation=(7,)),
    "ENTER to LEAVE": fields(CallOperation=(2,)),
    "ENTER to RUN": fields(frame=RETURNED, CallOperation=range(2, 14)),
    "CREATE_HASH to CREATE_WARM": fields(InitcodeOperation=(4, 5)),
    "CREATE_HASH to RUN": fields(frame=RETURNED, InitcodeOperation=range(1, 6)),
    "CREATE_WARM to RUN": fields(frame=RETURNED, CreationOperation=range(1, 6)),
    "CREATE_FUND to DEPLOY": fields(frame=ENDED),
    "RUN STOP": fields(frame=ENDED),
    "RUN RETURN to": fields(frame=ENDED),
    "RUN REVERT": fields(machine=range(6, 11), frame=ENDED),
    "RUN INVALID": fields(machine=range(6, 12), frame=FAILED),
    "RUN CREATE": fields(machine=(11,), frame=RETURNED),
    "RUN": fields(machine=(11,)),
}
"""By the step's name, or how that begins: the fields that its next state replaces or drops. States
that differ in these alone have one successor."""


def forgotten(step: str) -> Fields:
    """The longest entry that the step's name begins with."""
    found = [begins for begins in FORGOTTEN if step.startswith(begins)]
    return FORGOTTEN[max(found, key=len)] if found else {}


@cache
def steps() -> dict[str, Exhibit]:
    return dict(eventful_steps())


@cache
def instructions() -> dict[str, Exhibit]:
    """Each instruction once, at its dearest."""
    found: dict[str, Exhibit] = {}
    for case in instruction_cases():
        assert case.opcode is not None
        if mnemonic(case.opcode) not in found:
            found[mnemonic(case.opcode)] = case.make()
    return found


def test_steps_are_of_every_status_and_instruction() -> None:
    assert {name.split()[0] for name in steps()} == {status.name for status in Status}
    assert set(instructions()) >= {mnemonic(opcode) for opcode in INSTRUCTIONS}


def test_every_status_with_any_byte_flipped_or_missing_is_refused() -> None:
    for index, (name, exhibit) in enumerate(steps().items()):
        _assert_damage_is_refused(name, exhibit, BYTE_STRIDE, index)


def test_every_instruction_with_any_byte_flipped_or_missing_is_refused() -> None:
    for index, (name, exhibit) in enumerate(instructions().items()):
        is_long = len(exhibit.witness) > LONG_BYTES
        _assert_damage_is_refused(name, exhibit, LONG_STRIDE if is_long else BYTE_STRIDE, index)


def _assert_damage_is_refused(name: str, exhibit: Exhibit, stride: int, first: int) -> None:
    """Refused, not answered otherwise: there is no byte but some hash vouches for it."""
    assert answer(exhibit, exhibit.before, exhibit.witness) == exhibit.after, name
    for what, witness in damaged(exhibit.witness, stride, first % stride):
        assert answer(exhibit, exhibit.before, witness) is None, f"{name}: {what}"


def test_every_state_field_changed_gives_another_state_or_is_refused() -> None:
    for index, (name, exhibit) in enumerate(steps().items()):
        dropped = forgotten(name)
        for mutation in mutations(exhibit.witness, index % FIELD_STRIDE, FIELD_STRIDE):
            result = answer(exhibit, mutation.before, mutation.witness)
            if mutation.number not in dropped.get(mutation.structure, ()):
                assert result != exhibit.after, f"{name}: {mutation.structure} {mutation.number}"


def test_witness_of_another_step_is_refused() -> None:
    found = list(steps().items())
    for index, (name, exhibit) in enumerate(found):
        others = found if EVERYTHING else found[index % 7 :: 7]
        for other, shown in others:
            if shown.before != exhibit.before:
                assert answer(exhibit, exhibit.before, shown.witness) is None, f"{name}: {other}"


# Another game: what it fixed of L1 is another inbox, fewer items of it, or another claimed block

READ_ITEMS = ("BOUNDARY to ", "DECODE to ", "ORIGIN to ", "NEXT to VALIDATE", "NEXT to NEXT")
READ_THE_LAST_ITEM = ("BOUNDARY to ", "NEXT to VALIDATE", "NEXT to NEXT")
READ_THE_CLAIMED_BLOCK = ("BOUNDARY to ",)


def test_witness_from_another_game_is_refused() -> None:
    for name, exhibit in steps().items():
        items = exhibit.items
        elsewhere = tuple(replace(item, acc=keccak(item.acc)) for item in items)
        for other, refusing in (
            (replace(exhibit, items=elsewhere), READ_ITEMS),
            (replace(exhibit, items=items[:-1]), READ_THE_LAST_ITEM),
            (replace(exhibit, l2_block=0), READ_THE_CLAIMED_BLOCK),
        ):
            expected = None if name.startswith(refusing) else exhibit.after
            assert answer(other, exhibit.before, exhibit.witness) == expected, name
