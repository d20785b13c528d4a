"""A real game on L1, as deep as any, whose last step proves whatever a test puts before it.

The game is played down to one leaf, by the moves that make its step look furthest up the tree. Then
only its words in storage are changed: what the two claims around the step say, and what the game
fixed of the inbox. So the transaction measured is `DisputeGame.step` with all that it costs.

The leaf is the first one of the right half: its trace index, 2^45, is one where a block begins, and
the state before it is what the first answer claims, 45 claims further up.
"""

from dataclasses import dataclass, field
from typing import Any

from web3.contract import Contract
from web3.exceptions import ContractLogicError

from bridge.contracts import artifact
from bridge.dispute.limits import DEPTH_MAX
from bridge.dispute.prover_set import ONE_STEP_PROVER, PROVERS
from bridge.items import InboxItem
from state.keccak import keccak
from state.types import Hash32
from tests.bridge.contracts.l1 import L1, error_of

PROXY_BYTES = 45
"""CloneWithArgs: the arguments follow."""

CLAIM_SLOTS = 4
CLAIM_SLOT = 2
"""struct Claim: which of its slots is the state's hash."""

STEP_GAS_MAX = 16_000_000
"""What the transaction is sent with, which is more than it uses: each of the three contracts that
call one another keeps a 64th (EIP-150), and L1's precompiles have to have more than they ask for.
L1 caps a transaction at 2^24 (EIP-7825)."""

FIRST = Hash32(keccak(b"what the court's game is opened with"))
BLOCK_ARGUMENT, COUNT_ARGUMENT = 3, 4
"""struct GameArgs: the claimed block, and the number of inbox items."""


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One step with its proof, and what the provers have to say to it."""

    before: Hash32
    witness: bytes
    after: Hash32
    l2_block: int = 0
    items: tuple[InboxItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a step cost on L1."""

    witness_bytes: int
    calldata_bytes: int
    gas: int


@dataclass(slots=True)
class Court:
    """The contracts, and the game."""

    l1: L1
    inbox: Contract
    game: Contract
    _stored: dict[tuple[str, int], bytes] = field(default_factory=dict)

    @classmethod
    def open(cls, l1: L1) -> "Court":
        """Deploy everything, propose a root, and play down to the leaf."""
        provers = tuple(l1.deploy(artifact(name)).address for name in PROVERS)
        prover = l1.deploy(artifact(ONE_STEP_PROVER), provers)
        implementation = l1.deploy(artifact("DisputeGame"), DEPTH_MAX, prover.address)
        inbox = l1.deploy(artifact("Inbox"), l1.accounts[0], l1.accounts[0], 3_600)
        rollup = l1.deploy(
            artifact("Rollup"), inbox.address, FIRST, 1, 3_600, 60, 60, implementation.address
        )
        acc = inbox.functions.acc(0).call()
        l1.send(rollup.functions.propose(FIRST, 1, 1, acc), value=1)
        (event,) = rollup.events.Proposed().get_logs(from_block=0)
        court = cls(l1, inbox, l1.at(artifact("DisputeGame"), event["args"]["game"]))
        court._play()
        return court

    def _play(self) -> None:
        """Attack, defend, and attack on down to the leaf."""
        claim = self.game.functions.claims(0).call()[5]
        for depth in range(1, DEPTH_MAX + 1):
            answer = keccak(depth.to_bytes(1, "big"))
            bond = self.game.functions.bondAt(depth).call()
            move = self.game.functions.move(depth - 1, claim, answer, depth != 2)
            self.l1.send(move, value=bond)
            claim = answer

    def prove(self, exhibit: Exhibit) -> Verdict:
        """Refute a wrong state by the step; a right one must stand. Both with `STEP_GAS_MAX`."""
        self._fix(exhibit)
        self._store_claim(1, exhibit.before)
        step = self.game.functions.step(DEPTH_MAX, True, exhibit.witness)
        self._store_claim(DEPTH_MAX, exhibit.after)
        assert self._refusal(step) == "ClaimStands"
        self._store_claim(DEPTH_MAX, Hash32(keccak(exhibit.after)))
        snapshot = self.l1.ask("evm_snapshot")
        sent = step.transact({"gas": STEP_GAS_MAX})
        receipt = self.l1.w3.eth.wait_for_transaction_receipt(sent)
        self.l1.ask("evm_revert", snapshot)
        assert receipt["status"] == 1, "a wrong claim stood"
        gas = int(receipt["gasUsed"])
        calldata = step._encode_transaction_data()
        return Verdict(len(exhibit.witness), len(bytes.fromhex(calldata[2:])), gas)

    def _refusal(self, function: Any) -> str:
        try:
            function.call({"gas": STEP_GAS_MAX})
        except ContractLogicError as error:
            return str(error_of(error)[0])
        return "nothing"

    def _fix(self, exhibit: Exhibit) -> None:
        """What the game says of its block and of the inbox, and the inbox's own word on it."""
        code = bytes(self.l1.w3.eth.get_code(self.game.address))
        words = [code[at : at + 32] for at in range(PROXY_BYTES, len(code), 32)]
        words[BLOCK_ARGUMENT] = exhibit.l2_block.to_bytes(32, "big")
        words[COUNT_ARGUMENT] = len(exhibit.items).to_bytes(32, "big")
        changed = code[:PROXY_BYTES] + b"".join(words)
        if changed != code:
            self.l1.ask("anvil_setCode", self.game.address, "0x" + changed.hex())
        if exhibit.items:
            accs = artifact("Inbox").slot("_accs")
            self._store(self.inbox, accs, len(exhibit.items).to_bytes(32, "big"))
            for item in exhibit.items:
                self._store(self.inbox, _array(accs) + item.index, item.acc)

    def _store_claim(self, index: int, state: Hash32) -> None:
        slot = _array(artifact("DisputeGame").slot("claims")) + CLAIM_SLOTS * index + CLAIM_SLOT
        self._store(self.game, slot, state)

    def _store(self, contract: Contract, slot: int, word: bytes) -> None:
        place = (contract.address, slot)
        if self._stored.get(place) != word:
            self.l1.ask("anvil_setStorageAt", contract.address, f"0x{slot:064x}", "0x" + word.hex())
            self._stored[place] = word


def _array(slot: int) -> int:
    """Where the items of a dynamic array are."""
    return int.from_bytes(keccak(slot.to_bytes(32, "big")), "big")
