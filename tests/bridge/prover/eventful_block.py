"""One small block in which everything happens: each status, and most ways from one to the next."""

from collections.abc import Iterator
from contextlib import closing

from bridge.machine.block_machine import BlockMachine
from execution.machine.opcodes.creates import creation_address
from execution.machine.opcodes.mnemonics import mnemonic
from execution.machine.status import Status
from execution.transaction import AccessListEntry
from state.batch_codec import BatchBlock
from state.types import Gas, Timestamp
from tests.bridge.derive.inbox import DEPOSITOR, ETHER, GENESIS_TIME, Inbox
from tests.bridge.derive.rig import ALICE, BURNER, Rig, transfer
from tests.bridge.machine.chains import machine_of
from tests.bridge.prover.court import Exhibit
from tests.bridge.prover.worst_case import block_exhibit
from tests.execution.machine.opcodes.test_calls import call
from tests.execution.machine.opcodes.test_creates import create, returning
from tests.execution.machine.world import push

BURNING = Gas(2**24)
"""Two of it don't fit a block."""

DOER = creation_address(DEPOSITOR, 1)
"""The contract that a deposit makes, and that a transaction calls."""

NOBODY = "ee" * 20
TOO_MUCH = push(2**200)


def eventful_steps() -> Iterator[tuple[str, Exhibit]]:
    """Steps by name: one for each status and what follows it, and one for each instruction.

    None of the L1 attributes deposit, which comes first in every block and finds nothing there.
    """
    ALICE.nonce = 0
    seen: set[str] = set()
    with closing(Rig()) as rig:
        inbox = _inbox()
        rig.follow(inbox)
        for number in range(1, rig.safe.number + 2):
            machine = machine_of(rig, inbox, number)
            while not machine.is_done:
                step = _name(machine)
                if step in seen and machine.status is Status.RUN:
                    machine.step()
                    continue
                exhibit = block_exhibit(machine)
                name = f"{step} to {machine.status.name}"
                if name not in seen and not _is_of_attributes(machine):
                    seen |= {name, step}
                    yield name, exhibit
            if machine.status is Status.EXHAUSTED:
                yield "EXHAUSTED", block_exhibit(machine)


def _name(machine: BlockMachine) -> str:
    if machine.status is not Status.RUN or machine.machine is None:
        return machine.status.name
    frame = machine.machine.state.running_frame
    return f"RUN {mnemonic(frame.program.padded[frame.pc])}"


def _is_of_attributes(machine: BlockMachine) -> bool:
    """Whether the block has included nothing so far, and executes."""
    executing = machine.machine
    if executing is None or machine.header is not None or machine.status is Status.VALIDATE:
        return False
    return executing.state.block.count == 0


def _inbox() -> Inbox:
    """A deposit that creates, forced bytes that are no transaction, and a batch."""
    inbox = Inbox()
    inbox.mine()
    inbox.deposit()
    inbox.deposit(to=None, value=ETHER, data=_deploying(_doer()), gas=Gas(3_000_000))
    inbox.deposit(mint=0, value=ETHER)
    inbox.forced(b"\x02junk")
    inbox.mine()
    access = (AccessListEntry(DOER, (5,)), AccessListEntry(BURNER, ()))
    doing = transfer(ALICE, to=DOER, gas=Gas(3_000_000), data=b"\1" * 70, access_list=access)
    creating = [
        transfer(ALICE, to=None, gas=Gas(200_000), data=bytes.fromhex(initcode))
        for initcode in (returning("00"), "fe", "60ef5f5360015ff3")
    ]
    burning = transfer(ALICE, to=BURNER, gas=BURNING)
    unfit = transfer(ALICE, to=BURNER, gas=BURNING)
    raws = (doing, ALICE.raw(nonce=0), b"junk", *creating, burning, unfit)
    inbox.batch(
        [
            BatchBlock(Timestamp(GENESIS_TIME + 2), 4, raws),
            BatchBlock(Timestamp(GENESIS_TIME + 4), 4, ()),
        ]
    )
    inbox.posted(b"\2void")
    inbox.posted(b"\0" + (GENESIS_TIME + 6).to_bytes(8, "big") + bytes(11) + b"\1" + b"\xff" * 9)
    inbox.tick()
    return inbox


def _deploying(code: bytes) -> bytes:
    """Initcode that deploys what follows its own ten bytes."""
    return bytes.fromhex(f"61{len(code):04x}80600a5f395ff3") + code


def _doer() -> bytes:
    """Called by itself, it returns a word; by others, it does one thing after the other."""
    me, burner = DOER.hex(), BURNER.hex()
    deeds = [
        "6007600555" + "60055450" + "5f600555",  # set a slot, load it, delete it
        "600160025d" + "60025c50",  # the same with a transient one
        "60405f2050" + "60405f5f37" + "600160405fa1",  # hash, copy calldata, log
        "303b50" + f"73{burner}3b50" + "60205f5f303c" + f"73{burner}3150",  # codes and balances
        "60405f60205e" + "60205f5f39" + "4350" + "600143034050",  # copies, and a block's hash
        call("f1", me, value="6001", output=(0, 32)) + "50" + "60205f5f3e",
        call("f1", burner, gas="6103e8") + "50",
        call("f1", NOBODY, value="6001") + "50",
        call("f1", NOBODY, value=TOO_MUCH) + "50",
        call("fa", "00" * 19 + "02", input=(1, 40), output=(0, 32)) + "50",
        call("fa", "00" * 19 + "08", gas="61ffff", input=(0, 31)) + "50",
        call("f4", NOBODY) + "50",
        create(returning("00"), "6001") + "50",
        create("33ff", "6001") + "50",
        create("") + "50",
        create("5f5ffd") + "50",
        create("00", TOO_MUCH) + "50",
        create("00", salt="6001") + "50",
        create("00", salt="6001") + "50",
    ]
    body = "".join(deeds)
    target = 7 + len(body) // 2 + 1
    return bytes.fromhex(f"33301461{target:04x}57" + body + "00" + "5b60205ff3")
