"""Random state tests: a few accounts, one block, one transaction."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from coincurve import PrivateKey

from execution.evm.context import BlockContext
from execution.intrinsic import intrinsic_gas
from execution.signing import UnsignedTransaction, sign
from execution.transaction import AccessListEntry, Transaction, TransactionType
from execution.transactions import decode
from state.keccak import keccak
from state.types import Address, BlockNumber, Gas, Hash32, Timestamp, Wei
from tests.execution.evm.precompile_inputs import precompile_input
from tests.execution.evm.random_programs import (
    PRECOMPILES,
    SLOTS,
    push,
    random_initcode,
    random_program,
)

CHAIN_ID: Final = 1
KEY: Final = b"\x45" * 32
SENDER: Final = Address(keccak(PrivateKey(KEY).public_key.format(compressed=False)[1:])[12:])
CONTRACTS: Final = tuple(Address(bytes([0xC0 + n]) * 20) for n in range(4))
LIBRARIES: Final = tuple(Address(bytes([0x1B + n]) * 20) for n in range(3))
FRIEND: Final = Address(b"\xee" * 20)
NOBODY: Final = Address(b"\xdd" * 20)
COINBASE: Final = Address(b"\xcb" * 20)
ADDRESSES: Final = (
    *CONTRACTS,
    *CONTRACTS,
    *(SENDER, FRIEND, NOBODY, COINBASE, LIBRARIES[0]),
    *PRECOMPILES,
    *(Address(bytes(20)), Address(bytes(19) + b"\x0b"), Address(b"\xff" * 20)),
)
FUNDS: Final = Wei(10**24)
GAS_LIMITS: Final = (100_000, 500_000, 2_000_000, 5_000_000)
BLOCK_GAS: Final = 30_000_000
BASE_FEE: Final = 7
TIMESTAMP: Final = 1000
PREV_RANDAO: Final = b"\x5a" * 32


@dataclass(frozen=True)
class Allocated:
    """An account of the pre-state."""

    balance: Wei = Wei(0)
    nonce: int = 0
    code: bytes = b""
    storage: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Scenario:
    """One random case. `seed` names it."""

    seed: int
    pre: Mapping[Address, Allocated]
    fields: UnsignedTransaction
    number: int
    base_fee: int = BASE_FEE

    @property
    def raw(self) -> bytes:
        """The signed transaction."""
        unprotected = self.fields.type is TransactionType.LEGACY and self.seed % 5 == 0
        return sign(self.fields, KEY, None if unprotected else CHAIN_ID)

    @property
    def transaction(self) -> Transaction:
        return decode(self.raw, chain_id=CHAIN_ID)

    @property
    def minimum_gas(self) -> int:
        return intrinsic_gas(self.transaction)

    def with_gas(self, gas: int) -> "Scenario":
        return replace(self, fields=replace(self.fields, gas=Gas(gas)))

    def for_revm(self) -> "Scenario":
        """The same, as far as pyrevm can set it up.

        It loads an account, which makes it warm, when it is given the account's first slot, and
        takes further slots as written by the transaction: so all accounts are in the access list,
        and each has one slot. Its programs see no base fee.
        """
        pre = {
            address: replace(account, storage=dict(list(account.storage.items())[:1]))
            for address, account in self.pre.items()
        }
        warm = tuple(AccessListEntry(address, ()) for address in pre)
        legacy = self.fields.type is TransactionType.LEGACY
        fields = replace(
            self.fields,
            access_list=(*self.fields.access_list, *warm),
            type=TransactionType.ACCESS_LIST if legacy else self.fields.type,
        )
        return replace(self, pre=pre, fields=fields, base_fee=0)

    def as_state_test(
        self, root: bytes = bytes(32), logs: bytes = bytes(32), exception: str | None = None
    ) -> Any:
        """The case in the official format, with the outcome that it should have."""
        post: dict[str, Any] = {
            "hash": _hex(root),
            "logs": _hex(logs),
            "indexes": {"data": 0, "gas": 0, "value": 0},
            "txbytes": _hex(self.raw),
        }
        if exception:
            post["expectException"] = exception
        return {
            f"seed{self.seed}": {
                "env": {
                    "currentCoinbase": _hex(COINBASE),
                    "currentNumber": hex(self.number),
                    "currentTimestamp": hex(TIMESTAMP),
                    "currentGasLimit": hex(BLOCK_GAS),
                    "currentBaseFee": hex(self.base_fee),
                    "currentRandom": _hex(PREV_RANDAO),
                    "currentDifficulty": "0x00",
                    "currentExcessBlobGas": "0x0",
                },
                "pre": {
                    _hex(address): {
                        "balance": hex(account.balance),
                        "nonce": hex(account.nonce),
                        "code": _hex(account.code),
                        "storage": {hex(k): hex(v) for k, v in account.storage.items()},
                    }
                    for address, account in self.pre.items()
                },
                "post": {"Cancun": [post]},
            }
        }


def random_scenario(seed: int) -> Scenario:
    """The case of that seed: always the same one."""
    rng = random.Random(seed)
    pre = {
        SENDER: Allocated(FUNDS, nonce=rng.choice((0, 0, 1, 2**64 - 3))),
        FRIEND: Allocated(Wei(5)),
        **{
            address: Allocated(Wei(0), 1, random_initcode(rng, ADDRESSES, LIBRARIES))
            for address in LIBRARIES
        },
        **{address: _contract(rng, address) for address in CONTRACTS},
    }
    if rng.random() < 0.3:
        pre[COINBASE] = Allocated(Wei(1), 0, random_program(rng, ADDRESSES, LIBRARIES))
    return Scenario(seed, pre, _transaction(rng, pre), number=rng.choice((1, 2, 256, 257, 1000)))


def at_the_edge(scenario: Scenario) -> Scenario:
    """The same with a transaction that is just valid, or just not."""
    rng = random.Random(scenario.seed)
    fields, sender = scenario.fields, scenario.pre[SENDER]
    cost = fields.gas * fields.max_fee_per_gas + fields.value
    changed: dict[str, Any] = rng.choice(
        (
            {"nonce": max(fields.nonce - 1, 0)},
            {"nonce": fields.nonce + 1},
            {"nonce": 2**64 - 1},
            {"gas": scenario.minimum_gas - rng.choice((0, 1))},
            {"gas": BLOCK_GAS + rng.choice((0, 1)), "max_fee_per_gas": Wei(10**15)},
            {"max_fee_per_gas": Wei(BASE_FEE - 1), "max_priority_fee_per_gas": Wei(0)},
            {"max_priority_fee_per_gas": Wei(fields.max_fee_per_gas + rng.choice((0, 1)))},
            {"value": Wei(FUNDS - fields.gas * fields.max_fee_per_gas + rng.choice((0, 1)))},
            {"to": None, "data": bytes(49_152 + rng.choice((0, 1))), "gas": Gas(1_000_000)},
            {},
        )
    )
    if not changed:
        sender = rng.choice(
            (
                replace(sender, balance=Wei(cost - rng.choice((0, 1)))),
                replace(sender, code=rng.choice((b"\0", b"\xef\1\0" + bytes(20)))),
                replace(sender, nonce=2**64 - 1),
            )
        )
    if fields.type is not TransactionType.FEE_MARKET:
        changed.pop("max_priority_fee_per_gas", None)
    return replace(
        scenario, fields=replace(fields, **changed), pre={**scenario.pre, SENDER: sender}
    )


def _contract(rng: random.Random, address: Address) -> Allocated:
    code = random_program(rng, ADDRESSES, LIBRARIES)
    if rng.random() < 0.1:
        code = _recursion(rng, address) + code
    storage = {slot: rng.choice((1, 2, 2**256 - 1)) for slot in SLOTS if rng.random() < 0.4}
    nonce = rng.choice((0, 1, 1, 1, 2**64 - 2, 2**64 - 1))
    return Allocated(Wei(rng.choice((0, 1, 1000, 10**18))), nonce, code, storage)


def _recursion(rng: random.Random, address: Address) -> bytes:
    """Call itself as deep as gas lasts, then go on."""
    opcode = rng.choice((0xF1, 0xF2, 0xF4, 0xFA))
    value = push(rng.choice((0, 0, 1))) if opcode in (0xF1, 0xF2) else b""
    arguments = push(0) * 4 + value + push(int.from_bytes(address, "big"), 20)
    return arguments + bytes([0x5A, opcode, 0x50])


def _transaction(rng: random.Random, pre: Mapping[Address, Allocated]) -> UnsignedTransaction:
    type_ = rng.choice(
        (TransactionType.LEGACY, TransactionType.ACCESS_LIST, TransactionType.FEE_MARKET)
    )
    to: Address | None = CONTRACTS[0]
    data = rng.randbytes(rng.choice((0, 0, 1, 4, 32, 33, 100)))
    roll = rng.random()
    if roll < 0.12:
        to, data = None, random_initcode(rng, ADDRESSES, LIBRARIES)
    elif roll < 0.17:
        to = Address(rng.choice(PRECOMPILES))
        data = precompile_input(rng, to[-1])
    elif roll < 0.2:
        to = Address(rng.choice(ADDRESSES))
    price = rng.choice((BASE_FEE, BASE_FEE, BASE_FEE + 1, 1000))
    tip = price if type_ is not TransactionType.FEE_MARKET else rng.choice((0, 1, price))
    return UnsignedTransaction(
        nonce=pre[SENDER].nonce,
        gas=Gas(rng.choice(GAS_LIMITS)),
        to=to,
        value=Wei(rng.choice((0, 0, 0, 1, 10**18))),
        data=data,
        max_fee_per_gas=Wei(price),
        max_priority_fee_per_gas=Wei(tip),
        access_list=() if type_ is TransactionType.LEGACY else _access_list(rng),
        type=type_,
    )


def _access_list(rng: random.Random) -> tuple[AccessListEntry, ...]:
    return tuple(
        AccessListEntry(
            Address(rng.choice(ADDRESSES)),
            tuple(rng.choice(SLOTS) for _ in range(rng.randrange(4))),
        )
        for _ in range(rng.choice((0, 0, 1, 2, 5)))
    )


def block_context(scenario: Scenario) -> BlockContext:
    """The block that the transaction is in; block n of its past hashes to keccak("n")."""
    return BlockContext(
        chain_id=CHAIN_ID,
        number=BlockNumber(scenario.number),
        timestamp=Timestamp(TIMESTAMP),
        coinbase=COINBASE,
        gas_limit=Gas(BLOCK_GAS),
        base_fee=Wei(scenario.base_fee),
        prev_randao=Hash32(PREV_RANDAO),
        ancestor_hash=lambda number: keccak(str(number).encode()),
    )


def _hex(data: bytes) -> str:
    return "0x" + bytes(data).hex()
