"""From a message that L2 sent to its payment on L1: find the game, prove, wait, finalize."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Protocol

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from bridge.boundary import Boundary
from bridge.derive.view import DerivationView
from bridge.games import Game, GameStatus, newest_games, read_game
from bridge.items import Cursor, Origin
from bridge.l1 import contracts, wire
from bridge.l1.abi import encode_words, event_topic
from bridge.l1.client import L1Client, L1Receipt
from bridge.l1.errors import L1CallReverted, L1EndpointInconsistent, L1RequestRefused
from bridge.l1.rpc import RpcClient
from bridge.l1.transactor import L1Transaction, Transactor
from genesis.predeploys import L2_TO_L1_MESSAGE_PASSER
from state.blocks import Log
from state.errors import Invalid, Unavailable
from state.keccak import keccak
from state.proofs import InvalidProof, verify_proof
from state.store import ChainStore
from state.types import ZERO_ADDRESS, Address, BlockNumber, Hash32, Timestamp, Wei

MESSAGE_PASSED = event_topic("MessagePassed(uint256,address,address,uint256,uint256,bytes,bytes32)")
"""nonce, sender and target are indexed."""

_FIELDS = ("uint256", "address", "address", "uint256", "uint256", "bytes")
_SENT_MESSAGES_SLOT = bytes(32)
"""Slot 0 of L2ToL1MessagePasser: mapping(bytes32 => bool) sentMessages."""
_TRUE = b"\x01"
"""RLP of the storage value of a message that was sent."""


class NotAWithdrawal(Invalid):
    """A log or receipt in which L2 sent no message to L1."""


class WithdrawalNotReady(Unavailable):
    """What has to happen on L1 first hasn't yet; the message says what is waited for."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A message from L2 to L1 (L2ToL1MessagePasser.sol). `value` in wei, `gas_limit` in L1 gas."""

    nonce: int
    sender: Address
    target: Address
    value: Wei
    gas_limit: int
    data: bytes

    @property
    def fields(self) -> tuple[object, ...]:
        """The values of the Solidity struct."""
        return (self.nonce, self.sender, self.target, self.value, self.gas_limit, self.data)

    @property
    def hash(self) -> Hash32:
        """keccak256(abi.encode(fields)): its name on both layers."""
        return keccak(encode_words(_FIELDS, self.fields))

    @property
    def slot(self) -> int:
        """The slot of the message passer's storage that says it was sent."""
        return int.from_bytes(keccak(self.hash + _SENT_MESSAGES_SLOT), "big")


@dataclass(frozen=True, slots=True)
class Proof:
    """What `proveWithdrawal` is called with."""

    withdrawal: Withdrawal
    game: Game
    boundary: Boundary
    nodes: tuple[bytes, ...]
    """Storage proof in the message passer's storage trie, from the root down."""


class L2Evidence(Protocol):
    """Where boundaries and storage proofs of L2 come from: a node's RPC, or its store."""

    async def boundary(self, number: BlockNumber) -> Boundary:
        """The boundary after a safe block. Raises `Unavailable`."""

    async def storage_proof(self, number: BlockNumber, slot: int) -> tuple[bytes, ...]:
        """The proof of a slot of the message passer in the state after that block."""


class RpcEvidence:
    """Evidence from a node's JSON-RPC; checked by whoever asks, so the node needs no trust."""

    def __init__(self, rpc: RpcClient) -> None:
        self._rpc = rpc

    async def boundary(self, number: BlockNumber) -> Boundary:
        """From `rollup_outputAtBlock`. Raises `WithdrawalNotReady` for a block that isn't safe."""
        try:
            answer = await self._rpc.request("rollup_outputAtBlock", wire.to_quantity(number))
        except L1RequestRefused as error:
            raise WithdrawalNotReady(f"L2 block {number}: {error.message}") from None
        output = wire.object_(answer, "rollup_outputAtBlock")
        return _parse_boundary(wire.object_(output.get("boundary"), "the boundary"))

    async def storage_proof(self, number: BlockNumber, slot: int) -> tuple[bytes, ...]:
        """From `eth_getProof` (EIP-1186)."""
        answer = await self._rpc.request(
            "eth_getProof",
            wire.to_data(L2_TO_L1_MESSAGE_PASSER),
            [wire.to_data(slot.to_bytes(32, "big"))],
            wire.to_quantity(number),
        )
        proofs = wire.list_(wire.object_(answer, "eth_getProof").get("storageProof"), "proofs")
        if len(proofs) != 1:
            raise L1EndpointInconsistent(f"asked for one storage proof, got {len(proofs)}")
        nodes = wire.list_(wire.object_(proofs[0], "a storage proof").get("proof"), "its nodes")
        return tuple(wire.data(node, "a proof node") for node in nodes)


class StoreEvidence:
    """Evidence from a node's own chain."""

    def __init__(self, store: ChainStore, view: DerivationView) -> None:
        self._store = store
        self._view = view

    async def boundary(self, number: BlockNumber) -> Boundary:
        """The recorded boundary. Raises `WithdrawalNotReady` for a block that isn't safe."""
        boundary = self._view.boundary(number)
        if boundary is None:
            raise WithdrawalNotReady(f"L2 block {number} is not derived from L1 yet")
        return boundary

    async def storage_proof(self, number: BlockNumber, slot: int) -> tuple[bytes, ...]:
        """From the state after the block."""
        return self._store.prove(number, L2_TO_L1_MESSAGE_PASSER, [slot]).storage[0].nodes


def withdrawal_of(log: Log) -> Withdrawal:
    """The withdrawal that a `MessagePassed` log tells of. Raises `NotAWithdrawal`."""
    is_message = log.address == L2_TO_L1_MESSAGE_PASSER and log.topics[:1] == (MESSAGE_PASSED,)
    if not is_message or len(log.topics) != 4:
        raise NotAWithdrawal("the log is no MessagePassed event of the L2ToL1MessagePasser")
    try:
        value, gas_limit, data, hash = decode(("uint256", "uint256", "bytes", "bytes32"), log.data)
    except (DecodingError, OverflowError):
        raise NotAWithdrawal("the MessagePassed log can't be decoded") from None
    withdrawal = Withdrawal(
        nonce=int.from_bytes(log.topics[1], "big"),
        sender=Address(log.topics[2][12:]),
        target=Address(log.topics[3][12:]),
        value=Wei(value),
        gas_limit=gas_limit,
        data=data,
    )
    if withdrawal.hash != hash:
        raise NotAWithdrawal("the MessagePassed log contradicts its own hash")
    return withdrawal


def withdrawals_of(logs: Iterable[Log]) -> tuple[Withdrawal, ...]:
    """All withdrawals among a receipt's logs, in order."""
    return tuple(
        withdrawal_of(log)
        for log in logs
        if log.address == L2_TO_L1_MESSAGE_PASSER and log.topics[:1] == (MESSAGE_PASSED,)
    )


class Withdrawer:
    """Takes withdrawals through the Portal. Anyone may, for anyone."""

    def __init__(
        self, transactor: Transactor, evidence: L2Evidence, portal: Address, rollup: Address
    ) -> None:
        self._transactor = transactor
        self._evidence = evidence
        self._portal = portal
        self._rollup = rollup

    @property
    def _client(self) -> L1Client:
        return self._transactor.client

    async def prove(self, withdrawal: Withdrawal, l2_block: BlockNumber) -> L1Receipt:
        """Prove a withdrawal that was sent in `l2_block`.

        Raises `WithdrawalNotReady` while no proposal covers that block, `InvalidProof` when what
        L2 serves doesn't prove it; then nothing is sent.
        """
        game = await self.find_game(l2_block)
        return await self.send_proof(await self.make_proof(withdrawal, game))

    async def find_game(self, l2_block: BlockNumber) -> Game:
        """As `find_game`, in the newest state of L1. Raises `WithdrawalNotReady`."""
        head = await self._client.header()
        games = newest_games(self._client, self._rollup, at=head.hash)
        found = await find_game(games, self._evidence, l2_block)
        if found is None:
            raise WithdrawalNotReady(f"no output root of L2 block {l2_block} or later is on L1 yet")
        return found

    async def make_proof(self, withdrawal: Withdrawal, game: Game) -> Proof:
        """Collect the proof and check it as the Portal will. Raises `InvalidProof`."""
        boundary = await self._evidence.boundary(game.l2_block)
        if boundary.output_root != game.root_claim:
            raise InvalidProof(f"the L2 node's boundary of block {game.l2_block} isn't the claimed")
        nodes = await self._evidence.storage_proof(game.l2_block, withdrawal.slot)
        key = keccak(withdrawal.slot.to_bytes(32, "big"))
        if verify_proof(boundary.message_passer_root, key, nodes) != _TRUE:
            raise InvalidProof(
                f"L2 block {game.l2_block} doesn't hold the withdrawal 0x{withdrawal.hash.hex()}"
            )
        return Proof(withdrawal, game, boundary, nodes)

    async def send_proof(self, proof: Proof) -> L1Receipt:
        """`Portal.proveWithdrawal`. Raises `WithdrawalNotReady` in the very second of the game, and
        `L1CallReverted` for a withdrawal that is proven as well or better already."""
        data = contracts.PROVE_WITHDRAWAL.call(
            proof.withdrawal.fields,
            proof.game.address,
            proof.boundary.fields,
            proof.nodes,
        )
        try:
            return await self._transactor.send(
                L1Transaction("withdrawal proof", self._portal, data)
            )
        except L1CallReverted as error:
            if not error.reason.startswith("GameTooYoung("):
                raise
            raise WithdrawalNotReady("the game is of this very L1 second: prove later") from None

    async def payable_at(self, withdrawal: Withdrawal) -> Timestamp:
        """The L1 time from which a proven withdrawal can be paid.

        Raises `WithdrawalNotReady` while it is unproven or its game is still to be resolved.
        """
        head = await self._client.header()
        proven = await self._client.call(
            self._portal, contracts.PROVEN_WITHDRAWALS, withdrawal.hash, at=head.hash
        )
        game_address = wire.address(proven[0], "provenWithdrawals")
        if game_address == ZERO_ADDRESS:
            raise WithdrawalNotReady("the withdrawal isn't proven yet")
        game = await read_game(self._client, game_address, at=head.hash)
        if game.status is GameStatus.IN_PROGRESS:
            raise WithdrawalNotReady(
                f"the game 0x{game.address.hex()} can be resolved from L1 time"
                f" {game.resolvable_at} on; it is {head.timestamp}"
            )
        if game.status is GameStatus.CHALLENGER_WINS:
            raise WithdrawalNotReady(
                f"the game 0x{game.address.hex()} was lost: prove the withdrawal anew"
            )
        (delay,) = await self._client.call(self._portal, contracts.FINALITY_DELAY, at=head.hash)
        return Timestamp(game.resolved_at + delay)

    async def is_paid(self, withdrawal: Withdrawal) -> bool:
        """Whether the Portal has paid it."""
        (paid,) = await self._client.call(
            self._portal, contracts.FINALIZED_WITHDRAWALS, withdrawal.hash
        )
        return bool(paid)

    async def finalize(self, withdrawal: Withdrawal) -> L1Receipt:
        """Have a proven withdrawal paid. Raises `WithdrawalNotReady` before its time."""
        due = await self.payable_at(withdrawal)
        data = contracts.FINALIZE_WITHDRAWAL.call(withdrawal.fields)
        try:
            return await self._transactor.send(L1Transaction("withdrawal", self._portal, data))
        except L1CallReverted as error:
            if not error.reason.startswith("NotFinal("):
                raise
            raise WithdrawalNotReady(f"it can be paid from L1 time {due} on") from None


async def find_game(
    games: AsyncIterator[Game], evidence: L2Evidence, l2_block: BlockNumber
) -> Game | None:
    """The oldest of `games`, newest first, that covers a block, unlost, with L2's own root.

    The oldest is resolved first, so that its payment comes earliest. None where no game does.
    """
    found: Game | None = None
    async for game in games:
        if game.l2_block < l2_block or game.status is GameStatus.CHALLENGER_WINS:
            continue
        if not await _is_right(game, evidence):
            continue
        found = game
        if game.status is GameStatus.DEFENDER_WINS:
            break
    return found


async def _is_right(game: Game, evidence: L2Evidence) -> bool:
    try:
        return (await evidence.boundary(game.l2_block)).output_root == game.root_claim
    except Unavailable:
        return False  # a block that L2 doesn't have yet can't be proven against


def _parse_boundary(fields: wire.Json) -> Boundary:
    def number(name: str) -> int:
        return wire.quantity(fields.get(name), name)

    def word(name: str) -> Hash32:
        return wire.hash_(fields.get(name), name)

    return Boundary(
        version=number("version"),
        config_hash=word("configHash"),
        number=BlockNumber(number("number")),
        header_hash=word("headerHash"),
        state_root=word("stateRoot"),
        message_passer_root=word("messagePasserStorageRoot"),
        ring_root=word("blockHashRingRoot"),
        cursor=Cursor(number("nextBatch"), number("offset"), number("nextDeposit")),
        origin=Origin(number("originItem"), number("sequenceNumber")),
    )
