"""A chain whose clearing house has a fault: real blocks and storage, code that does as it is told.

Instead of the router's code there is code that logs fixed events and writes whatever slots a
transaction names; the storage is the clearing house's own, by its layout.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_abi.abi import encode

from execution.attributes import BlockAttributes, InclusionRule
from execution.contracts import artifact
from execution.contracts.abi import clearing_house, signature
from execution.contracts.devnet import DEFAULT_MARKETS, devnet_strikes
from execution.contracts.genesis import ClearingHouseParameters, clearing_house_storage
from execution.contracts.layout import Key, Layout
from execution.evm.threads import run_deep
from execution.transition import Candidate, execute_block
from genesis.accounts import operator_accounts
from genesis.builder import GenesisAccount, build_genesis
from genesis.hashing import config_hash
from genesis.predeploys import CLEARING_HOUSE, COLLATERAL_TOKEN
from node.monitor.monitor import Monitor
from state.blocks import BlockId
from state.keccak import keccak
from state.store import ChainIdentity, ChainStore
from state.types import Address, Gas, Hash32, Timestamp, Wei
from tests.execution.wallet import ETHER, Wallet, config

WALLET = Wallet(7)
OWNERS = (Address(b"\x01" * 20), Address(b"\x02" * 20), Address(b"\x03" * 20))
LONG, SHORT, FLAT = 1, 2, 3
"""Accounts: one long and one short in market 0, and one that holds nothing."""

SIZE, COST, CASH = 10**8, 60_000 * 10**6, 100_000 * 10**6
POOL, FEES, INSURANCE = 7, 11, 13
PRICE = 60_000 * 10**8
CALL = 64
"""The first series."""

STANDING = 2**255
"""The slot from which on the faulty code finds what it answers to whoever asks for a standing."""

Event = tuple[str, Mapping[str, Any]]
Write = tuple[Any, ...]
"""A value, the state variable, and its keys; a struct's members by name."""


def market_key(account: int, market: int) -> int:
    return account << 32 | market


SOUND: tuple[Write, ...] = (
    (3, "accountCount"),
    *((owner, "owners", number) for number, owner in enumerate(OWNERS, 1)),
    ({"cash": CASH, "perps": 1}, "accounts", LONG),
    ({"cash": CASH, "perps": 1}, "accounts", SHORT),
    ({"cash": CASH}, "accounts", FLAT),
    ({"size": SIZE, "cost": COST}, "positions", market_key(LONG, 0)),
    ({"size": -SIZE, "cost": -COST}, "positions", market_key(SHORT, 0)),
    ({"flow": {"openInterest": SIZE}}, "markets", 0),
    ({"price": {"mark": PRICE, "index": PRICE, "indexTime": 1}}, "markets", 0),
    ({"funding": {"pool": POOL}}, "markets", 0),
    (FEES, "feeFund"),
    (INSURANCE, "insurance", 0),
    (INSURANCE, "insuranceTotal"),
    (3 * CASH + POOL + FEES + INSURANCE, "custody"),
    ((9, 5, 3), "standing"),
)
"""Books that break nothing."""


@dataclass
class FaultyChain:
    """Blocks in memory or in a folder; `fault` makes one that writes as no contract may."""

    folder: Path
    events: Sequence[Event] = ()
    """Logged by the first transaction of each block."""
    more: Sequence[Write] = ()
    """Written at genesis after the sound books."""
    in_memory: bool = True
    accepted: Sequence[Any] = ()
    words: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.layout = Layout.of(artifact("ClearingHouse"))
        self.config = config()
        operators = operator_accounts()
        parameters = ClearingHouseParameters(
            matcher=operators.matcher.address,
            guardian=operators.guardian.address,
            oracle_signers={operators.oracle.address: 1},
            markets=DEFAULT_MARKETS,
            strikes=devnet_strikes(Timestamp(self.config.genesis_time))[:1],
            genesis_time=Timestamp(self.config.genesis_time),
        )
        self.words.update(clearing_house_storage(parameters))
        self._write(*SOUND, *self.more)
        genesis = build_genesis(self.config, self._alloc())
        identity = ChainIdentity(self.config.chain_id, genesis.hash, config_hash(self.config))
        path = None if self.in_memory else self.folder / "db"
        self.store = ChainStore.open(path, identity, genesis)
        self.monitor = self.new_monitor()
        self.nonce = 0

    def _alloc(self) -> dict[Address, GenesisAccount]:
        token: dict[int, int] = {}
        layout = Layout.of(artifact("CollateralToken"))
        held = self.layout.read(self.layout.place("custody"), self.word)
        layout.write(layout.place("balanceOf", CLEARING_HOUSE), held, token)
        return {
            WALLET.address: GenesisAccount(balance=Wei(1_000 * ETHER)),
            COLLATERAL_TOKEN: GenesisAccount(nonce=1, code=b"\x00", storage=token),
            CLEARING_HOUSE: GenesisAccount(
                nonce=1,
                code=faulty_code(self.events),
                storage={slot: word for slot, word in self.words.items() if word},
            ),
        }

    def word(self, slot: int) -> int:
        return self.words.get(slot, 0)

    def new_monitor(self) -> Monitor:
        """As a node that starts now has."""
        return Monitor(self.store, self.folder, self.config, self.accepted)

    # Blocks

    def fault(self, *writes: Write) -> BlockId:
        """A block with a transaction that writes these values over what is there."""
        before = dict(self.words)
        self._write(*writes)
        changed = {s: w for s, w in self.words.items() if w != before.get(s, 0)}
        data = b"".join(n.to_bytes(32, "big") for pair in changed.items() for n in pair)
        raw = WALLET.raw(
            nonce=self.nonce, to=CLEARING_HOUSE, value=Wei(0), data=data, gas=Gas(2_000_000)
        )
        self.nonce += 1
        return self.block(raw)

    def block(self, *raws: bytes) -> BlockId:
        """The next block of these transactions."""
        head = self.store.header(self.store.heads.unsafe.number)
        assert head is not None
        attributes = BlockAttributes(
            timestamp=Timestamp(head.timestamp + 2),
            prev_randao=Hash32(b"\x5a" * 32),
            coinbase=Address(b"\xc0" * 20),
            gas_limit=self.config.block_gas_limit,
        )
        candidates = [Candidate(raw, InclusionRule.SKIP) for raw in raws]
        result = run_deep(
            execute_block, head, self.store.state(), attributes, candidates, self.config,
            lambda number: None,
        )  # fmt: skip
        assert len(result.sealed.transactions) == len(raws)
        assert all(receipt.succeeded for receipt in result.sealed.receipts)
        with self.store.commit() as batch:
            batch.append(result.sealed)
        return self.store.heads.unsafe

    def _write(self, *writes: Write) -> None:
        for value, label, *keys in writes:
            self._put(value, label, *keys)

    def _put(self, value: Any, label: str, *keys: Key) -> None:
        if label == "standing":  # equity, initial and maintenance margin of every account
            self.words |= {STANDING + n: part % 2**256 for n, part in enumerate(value)}
            return
        self.layout.write(self.layout.place(label, *keys), value, self.words)

    # The monitor

    def check(self) -> None:
        """Let the monitor do all that is to do. Raises what it raises."""
        while self.monitor.step():
            pass


def faulty_code(events: Sequence[Event]) -> bytes:
    """Logs these events, then stores each pair of words of its calldata: slot, value.

    To address zero, who only asks, it answers the words from `STANDING` on.
    """
    logs = [_log(name, arguments) for name, arguments in events]
    answer = _answer_code()
    size = len(answer) + sum(len(_log_code(0, data, topics)) for topics, data in logs)
    loop = (
        bytes.fromhex("5f5b80361115") + b"\x61" + (size + 25).to_bytes(2, "big")
        + bytes.fromhex("57806020013581355560400161") + (size + 1).to_bytes(2, "big")
        + bytes.fromhex("565b00")
    )  # fmt: skip
    assert loop[25] == loop[1] == 0x5B
    code, data_end = answer, size + len(loop)
    for topics, data in logs:
        code += _log_code(data_end, data, topics)
        data_end += len(data)
    return code + loop + b"".join(data for _, data in logs)


def _answer_code() -> bytes:
    """Returns five words of storage to address zero; for others the code goes on after it."""
    words = b"".join(
        b"\x7f" + (STANDING + n).to_bytes(32, "big") + bytes([0x54, 0x60, 32 * n, 0x52])
        for n in range(5)
    )
    after = len(words) + 9
    return b"\x33\x61" + after.to_bytes(2, "big") + b"\x57" + words + bytes.fromhex("60a05ff35b")


def _log(name: str, arguments: Mapping[str, Any]) -> tuple[list[bytes], bytes]:
    """Topics and data of an event."""
    item = next(i for i in clearing_house().items if i["type"] == "event" and i["name"] == name)
    topics = [keccak(signature(item).encode())]
    rest = []
    for part in item["inputs"]:
        if part["indexed"]:
            topics.append(encode([part["type"]], [arguments[part["name"]]]))
        else:
            rest.append(part)
    return topics, encode([p["type"] for p in rest], [arguments[p["name"]] for p in rest])


def _log_code(offset: int, data: bytes, topics: list[bytes]) -> bytes:
    """CODECOPY of the data from `offset`, and LOGn."""
    size = b"\x61" + len(data).to_bytes(2, "big")
    copy = size + b"\x61" + offset.to_bytes(2, "big") + b"\x5f\x39"
    pushed = b"".join(b"\x7f" + topic for topic in reversed(topics))
    return copy + pushed + size + b"\x5f" + bytes([0xA0 + len(topics)])
