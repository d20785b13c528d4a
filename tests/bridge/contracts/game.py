"""Disputes on pyrevm: the game's own bytecode over a machine that counts (CountingProver.sol)."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from eth_abi import decode, encode

import bridge.contracts
import tests.contracts
from genesis.artifacts import Artifact
from state.keccak import keccak
from state.types import Address
from tests.bridge.contracts.l1 import decode_error
from tests.contracts.vm import SENDER, Reverted, Vm

DEPTH = 4
BOND = 10**17
CLOCK = 1_000
EXTENSION = 50
PAYOUT = 100
START = 10_000
L2_BLOCK = 7

ANCHOR = keccak(b"where the count starts")
PROPOSER = Address(b"\xc1" * 20)
ALICE = Address(b"\xc2" * 20)
"""Plays by the rules and for the truth."""
MALLORY = Address(b"\xc3" * 20)
CAROL = Address(b"\xc4" * 20)
NOBODY = Address(bytes(20))

IN_PROGRESS, CHALLENGER_WINS, DEFENDER_WINS = range(3)
NO_PARENT = 2**32 - 1


def boundary_state(root: bytes) -> bytes:
    """Hash of the machine's state between two blocks (docs/machine.md)."""
    tag = keccak(b"tallystick.machine.state.v1")
    return bytes(keccak(tag + (48).to_bytes(32, "big") + root + bytes(9 * 32)))


@dataclass(frozen=True, slots=True)
class Claim:
    """struct DisputeGame.Claim."""

    parent_index: int
    countered_by: Address
    resolved: bool
    claimant: Address
    bond: int
    claim: bytes
    position: int
    clock_used: int
    made_at: int

    @property
    def depth(self) -> int:
        return self.position.bit_length() - 1


@dataclass(frozen=True, slots=True)
class Trace:
    """What the counting machine does, and what a liar says that it does."""

    fixed: int
    """What the game fixed of L1."""
    liar_from: int = 2**200
    """A liar's counts are off by one from here on."""

    def count(self, steps: int) -> bytes:
        """The machine's word after so many steps."""
        sums = steps * self.fixed + steps * (steps - 1) // 2
        wrong = int(steps >= self.liar_from)
        return ((int.from_bytes(ANCHOR, "big") + sums + wrong) % 2**256).to_bytes(32, "big")

    def claim(self, position: int, max_depth: int) -> bytes:
        """The right claim at a position: the state after the last step below it."""
        return boundary_state(self.count(trace_index(position, max_depth) + 1))

    def lied(self, steps: int) -> "Trace":
        return Trace(self.fixed, steps)


def trace_index(position: int, max_depth: int) -> int:
    """The last step below a position, by walking down its right edge."""
    while position.bit_length() - 1 < max_depth:
        position = 2 * position + 1
    return position - 2**max_depth


@contextmanager
def refuses(name: str, *arguments: Any) -> Iterator[None]:
    """The call inside must revert with this custom error, and these arguments if any are given."""
    try:
        yield
    except Reverted as error:
        found = decode_error(error.data)
    else:
        pytest.fail(f"did not revert with {name}")
    assert found[0] == name, found
    if arguments:
        assert found[1:] == arguments


class Rig:
    """One Rollup with its games on an EVM of its own."""

    def __init__(self, max_depth: int = DEPTH, prover: bytes | None = None) -> None:
        self.vm = Vm()
        self.max_depth = max_depth
        self.now = START
        self.vm.set_time(START)
        self.paid: Counter[Address] = Counter()
        """Bonds that each account has put in, in wei."""
        for account in (PROPOSER, ALICE, MALLORY, CAROL):
            self.vm.fund(account, 10**30)
        self.inbox = self._deploy("Inbox", SENDER, SENDER, 3_600)
        if prover is None:
            prover = self.vm.deploy(tests.contracts.artifact("CountingProver"))
        game = self._deploy("DisputeGame", max_depth, prover)
        self.rollup = self._deploy(
            "Rollup", self.inbox, ANCHOR, BOND, CLOCK, EXTENSION, PAYOUT, game
        )
        self.truth = self.trace_of(L2_BLOCK, 1)

    def _deploy(self, name: str, *values: Any) -> Address:
        artifact = bridge.contracts.artifact(name)
        return self.vm.deploy(artifact, constructor_types(artifact), values)

    def acc(self, index: int = 0) -> bytes:
        return self.vm.call(self.inbox, "acc(uint256)", ["uint256"], [index])

    def trace_of(self, l2_block: int, inbox_count: int) -> Trace:
        """What the machine does in a game about this block and these inbox items."""
        acc = self.acc(inbox_count - 1)
        words = encode(["uint256", "uint256", "bytes32"], [l2_block, inbox_count, acc])
        return Trace(int.from_bytes(keccak(words), "big"))

    def propose(
        self,
        root: bytes,
        sender: Address = PROPOSER,
        *,
        l2_block: int = L2_BLOCK,
        inbox_count: int = 1,
    ) -> "GameRig":
        """Open a game about a root."""
        answer = self.vm.call(
            self.rollup,
            "propose(bytes32,uint256,uint256,bytes32)",
            ["bytes32", "uint256", "uint256", "bytes32"],
            [root, l2_block, inbox_count, self.acc(inbox_count - 1)],
            sender=sender,
            value=BOND,
        )
        self.paid[sender] += BOND
        truth = self.trace_of(l2_block, inbox_count)
        return GameRig(self, Address(answer[12:]), truth)

    def propose_right(self) -> "GameRig":
        return self.propose(self.truth.count(2**self.max_depth))

    def propose_wrong(self) -> "GameRig":
        return self.propose(self.truth.lied(0).count(2**self.max_depth))

    def wait(self, seconds: int) -> None:
        self.wait_until(self.now + seconds)

    def wait_until(self, time: int) -> None:
        self.now = time
        self.vm.set_time(time)


class GameRig:
    """One game, and what can be done in it."""

    def __init__(self, rig: Rig, address: Address, truth: Trace) -> None:
        self.rig = rig
        self.address = address
        self.max_depth = rig.max_depth
        self.truth = truth

    # Reading

    def read(self, signature: str, returns: list[str], *arguments: int) -> Any:
        types = ["uint256"] * len(arguments)
        answer = self.rig.vm.call(self.address, signature, types, arguments)
        (value,) = decode(returns, answer)
        return value

    def claim(self, index: int) -> Claim:
        return self.page(index, 1)[0]

    def claims(self) -> list[Claim]:
        return self.page(0, 2**32)

    def page(self, first: int, count: int) -> list[Claim]:
        kind = "(uint32,address,bool,address,uint96,bytes32,uint128,uint64,uint64)[]"
        found = self.read("claimsFrom(uint256,uint256)", [kind], first, count)
        return [
            Claim(parent, _address(by), resolved, _address(claimant), *rest)
            for parent, by, resolved, claimant, *rest in found
        ]

    def answers(self, index: int) -> list[int]:
        return list(self.read("answersTo(uint256)", ["uint32[]"], index))

    def bond_at(self, depth: int) -> int:
        return int(self.read("bondAt(uint256)", ["uint256"], depth))

    def expiry(self, index: int) -> int:
        return int(self.read("expiryOf(uint256)", ["uint256"], index))

    def status(self) -> int:
        return int(self.read("status()", ["uint8"]))

    def credit(self, account: Address) -> int:
        answer = self.rig.vm.call(self.address, "credit(address)", ["address"], [account])
        return int.from_bytes(answer, "big")

    # Playing

    def move(
        self,
        parent: int,
        claim: bytes,
        *,
        attack: bool = True,
        sender: Address = ALICE,
        value: int | None = None,
        expected: bytes | None = None,
    ) -> int:
        """Answer a claim; returns the new one's index."""
        above = self.claim(parent)
        if value is None:
            value = self.bond_at(above.depth + 1)
        answer = self.rig.vm.call(
            self.address,
            "move(uint256,bytes32,bytes32,bool)",
            ["uint256", "bytes32", "bytes32", "bool"],
            [parent, above.claim if expected is None else expected, claim, attack],
            sender=sender,
            value=value,
        )
        self.rig.paid[sender] += value
        return int.from_bytes(answer, "big")

    def follow(
        self, parent: int, trace: Trace, *, attack: bool = True, sender: Address = ALICE
    ) -> int:
        """Answer a claim with what a trace has there."""
        position = moved(self.claim(parent).position, attack)
        claim = trace.claim(position, self.max_depth)
        return self.move(parent, claim, attack=attack, sender=sender)

    def step(
        self,
        index: int,
        *,
        attack: bool = True,
        sender: Address = ALICE,
        witness: bytes | None = None,
    ) -> None:
        """Step on a leaf, by default with the right witness."""
        if witness is None:
            first = trace_index(self.claim(index).position, self.max_depth)
            witness = self.truth.count(first if attack else first + 1)
        self.rig.vm.call(
            self.address,
            "step(uint256,bool,bytes)",
            ["uint256", "bool", "bytes"],
            [index, attack, witness],
            sender=sender,
        )

    def resolve_claim(self, index: int, answers_max: int = 0) -> None:
        self.rig.vm.call(
            self.address,
            "resolveClaim(uint256,uint256)",
            ["uint256", "uint256"],
            [index, answers_max],
        )

    def resolve(self) -> int:
        return int.from_bytes(self.rig.vm.call(self.address, "resolve()"), "big")

    def claim_credit(self, account: Address) -> None:
        self.rig.vm.call(self.address, "claimCredit(address)", ["address"], [account])

    def finish(self) -> int:
        """Let all clocks run out, resolve every claim from the last back, and the game."""
        count = len(self.claims())
        self.rig.wait_until(max(self.rig.now, *map(self.expiry, range(count)), 0))
        for index in reversed(range(count)):
            if not self.claim(index).resolved:
                self.resolve_claim(index)
        return self.resolve()

    def play_honestly(self, sender: Address = ALICE) -> None:
        """Answer whatever endangers the truth: a wrong root, and each answer to a right claim of
        the side that is in the right; until nothing is left to answer."""
        while any(self._answer(index, sender) for index in self._dangers()):
            pass

    def _dangers(self) -> list[int]:
        claims = self.claims()
        ours: set[int] = set()
        dangers = []
        for index, claim in enumerate(claims):
            if index == 0:
                is_ours = self._is_true(claim)
            else:
                is_due = claim.parent_index in dangers
                is_ours = is_due and self._is_answer(claim, claims[claim.parent_index])
            if is_ours:
                ours.add(index)
            elif index == 0 or claim.parent_index in ours:
                dangers.append(index)
        return dangers

    def _is_true(self, claim: Claim) -> bool:
        return claim.claim == self.truth.claim(claim.position, self.max_depth)

    def _is_answer(self, claim: Claim, parent: Claim) -> bool:
        """Whether a claim is what the truth answers to its parent."""
        is_there = claim.position == moved(parent.position, not self._is_true(parent))
        return is_there and self._is_true(claim)

    def _answer(self, index: int, sender: Address) -> bool:
        """Give the one right answer to a claim; False if it is there already."""
        claim = self.claim(index)
        attack = not self._is_true(claim)
        if claim.depth == self.max_depth:
            if claim.countered_by != NOBODY:
                return False
            self.step(index, attack=attack, sender=sender)
            return True
        answers = [self.claim(answer) for answer in self.answers(index)]
        if any(self._is_answer(answer, claim) for answer in answers):
            return False
        self.follow(index, self.truth, attack=attack, sender=sender)
        return True

    def requires_balance(self) -> None:
        """What is owed is what was paid in, to the last wei."""
        claims = self.claims()
        accounts = {claim.claimant for claim in claims} | {claim.countered_by for claim in claims}
        owed = sum(self.credit(account) for account in accounts)
        assert owed == sum(claim.bond for claim in claims) == self.rig.vm.balance(self.address)


def moved(position: int, attack: bool) -> int:
    """Where an answer goes: the middle of what is below, or of what is below to the right."""
    return 2 * position if attack else 2 * (position + 1)


def constructor_types(artifact: Artifact) -> list[str]:
    """Types of what the contract's constructor takes."""
    (entry,) = (e for e in artifact.abi if e["type"] == "constructor")
    return [argument["type"] for argument in entry["inputs"]]


def _address(text: str) -> Address:
    return Address(bytes.fromhex(text[2:]))
