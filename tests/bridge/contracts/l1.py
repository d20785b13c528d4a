"""An L1 to test contracts on: web3.py over anvil, with custom errors by name."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

import pytest
from eth_abi import decode
from web3 import Web3
from web3.contract import Contract
from web3.contract.contract import ContractFunction
from web3.exceptions import ContractCustomError, ContractLogicError
from web3.logs import DISCARD

import bridge.contracts
import execution.contracts
import tests.contracts
from bridge.dispute.limits import DEPTH_MAX
from genesis.artifacts import Artifact
from state.keccak import keccak
from state.rlp import encode, encode_uint

GAS_MAX = 2**24
"""EIP-7825: what an L1 transaction may use."""

WINDOW_SECONDS = 3600
DISPUTE_SECONDS = 1800
EXTENSION_SECONDS = 120
PAYOUT_SECONDS = 900
FINALITY_SECONDS = 600
BOND_WEI = 10**17
DEPOSIT_GAS_PRICE_WEI = 10**9
GENESIS_ROOT = keccak(b"an output root of genesis")

ERRORS_OF = (
    *(bridge.contracts.artifact(n) for n in ("Inbox", "Portal", "Rollup", "DisputeGame")),
    *(execution.contracts.artifact(n) for n in ("CollateralToken", "Governance")),
    *(tests.contracts.artifact(n) for n in ("LibraryHarness", "CountingProver")),
)


@dataclass(frozen=True, slots=True)
class L1:
    """One chain and its unlocked accounts."""

    w3: Web3

    @property
    def accounts(self) -> list[str]:
        return list(self.w3.eth.accounts)

    @property
    def time(self) -> int:
        return int(self.w3.eth.get_block("latest")["timestamp"])

    def ask(self, method: str, *params: Any) -> Any:
        answer = self.w3.provider.make_request(method, list(params))
        assert "error" not in answer, answer
        return answer["result"]

    def pass_time(self, seconds: int) -> None:
        """The next block comes `seconds` after the latest; mined right away."""
        self.ask("evm_setNextBlockTimestamp", self.time + seconds)
        self.ask("evm_mine")

    def fund(self, account: str, wei: int) -> None:
        self.ask("anvil_setBalance", account, hex(wei))

    @contextmanager
    def as_contract(self, account: str) -> Iterator[str]:
        """Send from an address that has no key here."""
        self.fund(account, 10**20)
        self.ask("anvil_impersonateAccount", account)
        yield account
        self.ask("anvil_stopImpersonatingAccount", account)

    def deploy(self, artifact: Artifact, *arguments: Any, sender: str | None = None) -> Contract:
        factory = self.w3.eth.contract(abi=list(artifact.abi), bytecode=artifact.bytecode)
        transaction = {"from": sender or self.accounts[0], "gas": GAS_MAX - 1}
        receipt = self.w3.eth.wait_for_transaction_receipt(
            factory.constructor(*arguments).transact(transaction)
        )
        assert receipt["status"] == 1, f"deployment of {artifact.name} failed"
        return self.at(artifact, receipt["contractAddress"])

    def at(self, artifact: Artifact, address: str) -> Contract:
        return self.w3.eth.contract(address=address, abi=list(artifact.abi))

    def send(
        self, function: ContractFunction, *, sender: str | None = None, value: int = 0, gas: int = 0
    ) -> Mapping[str, Any]:
        """Send and wait; the transaction must succeed. Errors show by their names."""
        transaction = {"from": sender or self.accounts[0], "value": value}
        transaction |= {"gas": gas or GAS_MAX - 1}
        try:
            function.call(transaction)
        except ContractLogicError as error:
            raise AssertionError(f"reverted: {error_of(error)}") from error
        receipt = self.w3.eth.wait_for_transaction_receipt(function.transact(transaction))
        assert receipt["status"] == 1, "the call succeeded but the transaction reverted"
        return receipt


@dataclass(frozen=True, slots=True)
class Stack:
    """The L1 contracts of one rollup, and an actor: a contract that does as it is told."""

    l1: L1
    inbox: Contract
    portal: Contract
    rollup: Contract
    token: Contract
    actor: Contract
    harness: Contract

    @property
    def sequencer(self) -> str:
        return self.l1.accounts[1]

    def items(self) -> list[Mapping[str, Any]]:
        """All items of the inbox, by their events."""
        return list(self.inbox.events.ItemAppended().get_logs(from_block=0))

    def propose(self, root: bytes, l2_block: int, *, sender: str | None = None) -> Contract:
        """Propose a root over the whole inbox; returns its game."""
        count = self.inbox.functions.count().call()
        acc = self.inbox.functions.acc(count - 1).call()
        function = self.rollup.functions.propose(root, l2_block, count, acc)
        receipt = self.l1.send(function, value=BOND_WEI, sender=sender)
        (event,) = self.rollup.events.Proposed().process_receipt(receipt, errors=DISCARD)
        return self.l1.at(bridge.contracts.artifact("DisputeGame"), event["args"]["game"])


def deploy_stack(
    l1: L1, token: Contract | None = None, finality_seconds: int = FINALITY_SECONDS
) -> Stack:
    """Deploy everything; the contracts that name each other are told the addresses to come."""
    deployer = l1.accounts[0]
    prover = l1.deploy(tests.contracts.artifact("CountingProver"))
    game = l1.deploy(bridge.contracts.artifact("DisputeGame"), DEPTH_MAX, prover.address)
    token = token or l1.deploy(bridge.contracts.artifact("TestUSD"))
    actor = l1.deploy(tests.contracts.artifact("Actor"), "0x" + "00" * 20, b"")
    harness = l1.deploy(tests.contracts.artifact("LibraryHarness"))
    nonce = l1.w3.eth.get_transaction_count(deployer)
    inbox_at, portal_at, rollup_at = (created_address(deployer, nonce + i) for i in range(3))
    inbox = l1.deploy(bridge.contracts.artifact("Inbox"), l1.accounts[1], portal_at, WINDOW_SECONDS)
    portal = l1.deploy(
        bridge.contracts.artifact("Portal"),
        inbox_at,
        rollup_at,
        token.address,
        finality_seconds,
        DEPOSIT_GAS_PRICE_WEI,
    )
    rollup = l1.deploy(
        bridge.contracts.artifact("Rollup"),
        inbox_at,
        GENESIS_ROOT,
        BOND_WEI,
        DISPUTE_SECONDS,
        EXTENSION_SECONDS,
        PAYOUT_SECONDS,
        game.address,
    )
    assert (inbox.address, portal.address, rollup.address) == (inbox_at, portal_at, rollup_at)
    return Stack(l1, inbox, portal, rollup, token, actor, harness)


def created_address(sender: str, nonce: int) -> str:
    """Where a contract creation of `sender` ends up (Yellow Paper, section 7)."""
    preimage = encode([bytes.fromhex(sender[2:]), encode_uint(nonce)])
    return Web3.to_checksum_address(keccak(preimage)[12:])


@contextmanager
def reverts(name: str, *arguments: Any) -> Iterator[None]:
    """The calls inside must revert with this custom error, and these arguments if any are given."""
    try:
        yield
    except ContractLogicError as error:
        found = error_of(error)
    else:
        pytest.fail(f"did not revert with {name}")
    assert found[0] == name, found
    if arguments:
        assert found[1:] == arguments


def error_of(error: ContractLogicError) -> tuple[Any, ...]:
    """Name and arguments of a custom error; the message where there is none."""
    if not isinstance(error, ContractCustomError):
        return (error.message,)
    data = bytes.fromhex(str(error.data)[2:])
    return decode_error(data)


def decode_error(data: bytes) -> tuple[Any, ...]:
    """Name and arguments of a custom error of our contracts."""
    name, types = _known_errors().get(data[:4], ("0x" + data.hex(), ()))
    return (name, *(_readable(v) for v in decode(types, data[4:]))) if types else (name,)


def _readable(value: Any) -> Any:
    """Addresses as web3 gives them elsewhere."""
    is_address = isinstance(value, str) and value.startswith("0x") and len(value) == 42
    return Web3.to_checksum_address(value) if is_address else value


@cache
def _known_errors() -> dict[bytes, tuple[str, tuple[str, ...]]]:
    errors = {}
    for entry in chain.from_iterable(a.abi for a in ERRORS_OF):
        if entry["type"] == "error":
            types = tuple(argument["type"] for argument in entry["inputs"])
            signature = f"{entry['name']}({','.join(types)})"
            errors[keccak(signature.encode())[:4]] = (entry["name"], types)
    return errors
