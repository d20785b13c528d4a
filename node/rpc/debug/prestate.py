"""prestateTracer: the accounts that a transaction needs, or what it changes in them.

What counts as needed is go-ethereum's choice (`native/prestate.go`): sender, recipient, coinbase,
and what certain instructions name, whether they succeed or not.
"""

from dataclasses import dataclass, field
from typing import Final

from execution.evm.accounts import NOTHING, AccountDatabase, Values
from execution.evm.addresses import creation2_address, creation_address
from execution.evm.calls import to_address
from execution.evm.context import BlockContext
from execution.evm.engine import Outcome
from execution.evm.tracer import Frame
from execution.trace_budget import TraceBudget
from execution.transaction import Transaction
from node.rpc.codec import data, quantity, word
from node.rpc.debug.config import flag
from node.rpc.debug.tracer import JsonTracer, TracePlace
from node.rpc.errors import InvalidParams
from node.rpc.format import Json
from state.accounts import EMPTY_CODE_HASH
from state.types import Address

SLOAD, SSTORE = 0x54, 0x55
CREATE, CREATE2, SELFDESTRUCT = 0xF0, 0xF5, 0xFF

_NAME_A_SLOT: Final = (SLOAD, SSTORE)
_NAME_AN_ACCOUNT: Final = (0x31, 0x3B, 0x3C, 0x3F, SELFDESTRUCT)
"""BALANCE, EXTCODESIZE, EXTCODECOPY, EXTCODEHASH and SELFDESTRUCT: the topmost word."""
_CALL_AN_ACCOUNT: Final = (0xF1, 0xF2, 0xF4, 0xFA)
"""The calls, of at least five words: the second."""
_CALL_WORDS, _CREATE2_WORDS = 5, 4

ACCOUNT_BYTES: Final = 250
SLOT_BYTES: Final = 140
"""Of JSON for an account, its code aside, and for a slot."""


@dataclass(slots=True)
class _Seen:
    """An account as it was when it was first needed."""

    values: Values
    code: bytes
    slots: dict[int, int] = field(default_factory=dict)


class PrestateTracer(JsonTracer):
    """Collects accounts as they were, and in `diffMode` what became of them."""

    wants_steps = True

    def __init__(self, place: TracePlace, budget: TraceBudget, config: dict[str, object]) -> None:
        """Raises `InvalidParams` for options that contradict each other."""
        super().__init__(place, budget)
        self._is_diff = flag(config, "diffMode")
        self._with_code = not flag(config, "disableCode")
        self._with_storage = not flag(config, "disableStorage")
        self._with_empty = flag(config, "includeEmpty")
        if self._is_diff and self._with_empty:
            raise InvalidParams("cannot use diffMode with includeEmpty")
        self._db: AccountDatabase | None = None
        self._seen: dict[Address, _Seen] = {}
        self._created: set[Address] = set()
        self._deleted: set[Address] = set()
        self._result: Json = {}

    @property
    def _state(self) -> AccountDatabase:
        if self._db is None:
            raise ValueError("the transaction has not begun")
        return self._db

    def begin(self, tx: Transaction, state: AccountDatabase, context: BlockContext) -> None:
        self._db = state
        to = tx.to
        if to is None:
            to = creation_address(tx.sender, state.values(tx.sender).nonce)
            self._created.add(to)
        for address in (tx.sender, to, context.coinbase):
            self._look_at(address)

    def step(self, frame: Frame, pc: int, opcode: int, gas: int) -> None:
        self.budget.take_step()
        stack = frame.stack
        if opcode in _NAME_A_SLOT and stack:
            self._look_at_slot(frame.address, stack[-1])
        elif opcode in _NAME_AN_ACCOUNT and stack:
            self._look_at(to_address(stack[-1]))
            if opcode == SELFDESTRUCT and frame.address in self._created:
                self._deleted.add(frame.address)
        elif opcode in _CALL_AN_ACCOUNT and len(stack) >= _CALL_WORDS:
            self._look_at(to_address(stack[-2]))
        elif opcode == CREATE:
            nonce = self._state.values(frame.address).nonce
            self._look_at_created(creation_address(frame.address, nonce))
        elif opcode == CREATE2 and len(stack) >= _CREATE2_WORDS:
            start, size, salt = stack[-2], stack[-3], stack[-4]
            memory = frame.memory_bytes
            if size <= len(memory) + INITCODE_BEYOND_BYTES_MAX:
                code = memory[start : start + size].ljust(size, b"\0")
                self._look_at_created(creation2_address(frame.address, salt, code))

    def end(self, outcome: Outcome) -> None:
        self._result = self._difference() if self._is_diff else self._before()

    def result(self) -> object:
        return self._result

    # Looking

    def _look_at(self, address: Address) -> None:
        if address in self._seen:
            return
        code = self._state.code(address)
        self.budget.take_bytes(ACCOUNT_BYTES + (2 * len(code) if self._with_code else 0))
        self._seen[address] = _Seen(self._state.values(address), code)

    def _look_at_created(self, address: Address) -> None:
        self._look_at(address)
        self._created.add(address)

    def _look_at_slot(self, address: Address, slot: int) -> None:
        if not self._with_storage:
            return
        self._look_at(address)
        slots = self._seen[address].slots
        if slot not in slots:
            self.budget.take_bytes(SLOT_BYTES)
            slots[slot] = self._state.storage(address, slot)

    # Telling

    def _before(self) -> Json:
        return {
            data(address): self._account(seen, seen.slots)
            for address, seen in self._seen.items()
            if self._with_empty or seen.values != NOTHING
        }

    def _account(self, seen: _Seen, slots: dict[int, int]) -> Json:
        shown: Json = {"balance": quantity(seen.values.balance)}
        if seen.values.nonce:
            shown["nonce"] = seen.values.nonce
        if seen.values.code_hash != EMPTY_CODE_HASH:
            shown["codeHash"] = data(seen.values.code_hash)
            if self._with_code:
                shown["code"] = data(seen.code)
        if slots:
            shown["storage"] = _storage_json(slots)
        return shown

    def _difference(self) -> Json:
        """Accounts that changed: whole before, and afterwards what is another."""
        pre: Json = {}
        post: Json = {}
        for address, seen in self._seen.items():
            if address in self._deleted:
                if seen.values != NOTHING:
                    pre[data(address)] = self._account(seen, seen.slots)
                continue
            changed = self._changed_slots(address, seen)
            after = self._after(address, seen, changed)
            if not after and not changed:
                continue
            post[data(address)] = after
            if seen.values != NOTHING:
                was = {slot: seen.slots[slot] for slot in changed if seen.slots[slot]}
                pre[data(address)] = self._account(seen, was)
        return {"post": post, "pre": pre}

    def _changed_slots(self, address: Address, seen: _Seen) -> dict[int, int]:
        now = {slot: self._state.storage(address, slot) for slot in seen.slots}
        return {slot: value for slot, value in now.items() if value != seen.slots[slot]}

    def _after(self, address: Address, seen: _Seen, changed: dict[int, int]) -> Json:
        before, now = seen.values, self._state.values(address)
        shown: Json = {}
        if now.balance != before.balance:
            shown["balance"] = quantity(now.balance)
        if now.nonce != before.nonce:
            shown["nonce"] = now.nonce
        if now.code_hash != before.code_hash:
            shown["codeHash"] = data(now.code_hash)
            if self._with_code:
                shown["code"] = data(self._state.code(address))
        kept = {slot: value for slot, value in changed.items() if value}
        if kept:
            shown["storage"] = _storage_json(kept)
        return shown


INITCODE_BEYOND_BYTES_MAX: Final = 1024 * 1024
"""Creation code may reach beyond memory, which is zero there; go-ethereum's bound of that."""


def _storage_json(slots: dict[int, int]) -> dict[str, str]:
    return {word(slot): word(value) for slot, value in sorted(slots.items())}
