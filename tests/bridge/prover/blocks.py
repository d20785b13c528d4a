"""Blocks whose every step is proven as it is taken, on a prover that has their inbox beside it."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache

from pyrevm import AccountInfo

from bridge.contracts import artifact
from bridge.dispute.local_prover import LocalProver, ProofRefused
from bridge.items import InboxItem
from bridge.machine.block_machine import BlockMachine
from bridge.machine.witness import block_witness
from execution.machine.status import Status
from state.keccak import keccak
from state.types import Address, Hash32

Chooser = Callable[[BlockMachine], bool]


class InboxProver(LocalProver):
    """The provers, and Inboxes in which items stand as if they had been appended."""

    def inbox_of(self, items: Sequence[InboxItem]) -> Address:
        """The address of an Inbox with these items: its real code, over storage made for them."""
        address = Address(items[-1].acc[:20])
        name, slot = "0x" + address.hex(), int.from_bytes(keccak(bytes(32)), "big")
        if not self._evm.get_code(name):
            code = artifact("Inbox").deployed_bytecode
            self._evm.insert_account_info(name, AccountInfo(nonce=1, code=code))
            self._evm.insert_account_storage(name, 0, len(items))
            for item in items:
                acc = int.from_bytes(item.acc, "big")
                self._evm.insert_account_storage(name, slot + item.index, acc)
        return address

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Ask one contract directly, whatever the state."""
        selecting, self.address = self.address, self.provers[name]
        try:
            yield
        finally:
            self.address = selecting


@cache
def prover() -> InboxProver:
    """The contracts, deployed once a process."""
    return InboxProver()


class Step:
    """What a machine's next step is from, and what proves it."""

    def __init__(self, machine: BlockMachine) -> None:
        self.status = machine.status
        self.before = machine.machine_hash()
        self.witness = block_witness(machine)
        self.trace_index = machine.steps
        self.l2_block = int(machine.last_block)
        prefix = machine.ground.prefix
        self.inbox_count = prefix.count
        found = [prefix.item(index) for index in range(prefix.count)]
        self.items = [item for item in found if item is not None]

    def answer(self, witness: bytes | None = None, **context: int) -> Hash32:
        """What the provers say that follows. Raises `ProofRefused`."""
        fixed = {
            "trace_index": self.trace_index,
            "l2_block": self.l2_block,
            "inbox_count": self.inbox_count,
        }
        return prover().step(
            self.before,
            self.witness if witness is None else witness,
            inbox=prover().inbox_of(self.items),
            **fixed | context,
        )

    def refuses(self, witness: bytes | None = None, **context: int) -> bool:
        """Whether the provers revert."""
        try:
            self.answer(witness, **context)
        except ProofRefused:
            return True
        return False


def of_the_block(machine: BlockMachine) -> bool:
    """Whether the next step is one of the block's own phases."""
    return machine.status is Status.NEXT or machine.status >= Status.BOUNDARY


def prove_step(machine: BlockMachine) -> Step:
    """Take one step, and hold that the provers arrive at the same state."""
    step = Step(machine)
    machine.step()
    assert step.answer() == machine.machine_hash(), step.status.name
    return step


def prove_block(machine: BlockMachine, chosen: Chooser = of_the_block) -> Counter[Status]:
    """Run a block to its end, and prove the chosen steps; how many there were, by status."""
    proven: Counter[Status] = Counter()
    while not machine.is_done:
        if chosen(machine):
            proven[prove_step(machine).status] += 1
        else:
            machine.step()
    return proven


def until(machine: BlockMachine, status: Status) -> BlockMachine:
    """Step until the status."""
    while machine.status is not status:
        assert not machine.is_done, f"ended without reaching {status.name}"
        machine.step()
    return machine


def assert_every_flip_is_refused(machine: BlockMachine, stride: int = 1) -> None:
    """Take one step; its witness proves it, and nothing near it proves anything.

    Each byte is flipped in one bit; of a long witness, every `stride`-th.
    """
    step = prove_step(machine)
    witness = step.witness
    for at in range(0, len(witness), stride):
        flipped = bytes([witness[at] ^ (1 << (at // stride % 8))])
        wrong = witness[:at] + flipped + witness[at + 1 :]
        assert step.refuses(wrong), f"{step.status.name}: byte {at} of {len(witness)}"
    for wrong in (b"", witness[:-1], witness[:-32], witness + b"\0", witness + bytes(32)):
        assert step.refuses(wrong), f"{step.status.name}: {len(wrong)} of {len(witness)} bytes"
