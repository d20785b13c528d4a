"""States around a proof: one notes what must be proven, one holds what was, and nothing else."""

from collections.abc import Iterable, Mapping

from bridge.margin_proof.errors import InvalidMarginProof, NotProven
from execution.contracts import artifact
from execution.contracts.abi import CLEARING_HOUSE_MODULES as MODULE_NAMES
from genesis.predeploys import CLEARING_HOUSE, CLEARING_HOUSE_MODULES
from state.accounts import EMPTY_CODE_HASH, Account, StateReader
from state.keccak import keccak
from state.proofs import AccountProof
from state.types import Address, Hash32


class RecordingState:
    """A state as it is, which remembers each account and slot that it was asked for."""

    def __init__(self, state: StateReader) -> None:
        self._state = state
        self._read: dict[Address, set[int]] = {}

    @property
    def root(self) -> Hash32:
        return self._state.root

    @property
    def read(self) -> dict[Address, tuple[int, ...]]:
        """The slots that were read, in order, by account."""
        return {address: tuple(sorted(slots)) for address, slots in sorted(self._read.items())}

    def account(self, address: Address) -> Account | None:
        self._read.setdefault(address, set())
        return self._state.account(address)

    def storage(self, address: Address, slot: int) -> int:
        self._read.setdefault(address, set()).add(slot)
        return self._state.storage(address, slot)

    def code(self, code_hash: Hash32) -> bytes:
        return self._state.code(code_hash)


class ProvenState:
    """Accounts and slots whose proofs were verified under `root`, and code that we have ourselves.

    Reading anything else raises `NotProven`: what wasn't proven isn't taken for empty.
    """

    def __init__(self, root: Hash32, proofs: Iterable[AccountProof]) -> None:
        self.root = root
        self._accounts: dict[Address, Account | None] = {}
        self._slots: dict[tuple[Address, int], int] = {}
        for proof in proofs:
            self._add(proof)
        self._codes = _known_codes()
        self._check_codes()

    def account(self, address: Address) -> Account | None:
        if address not in self._accounts:
            raise NotProven(f"the proof doesn't hold the account 0x{address.hex()}")
        return self._accounts[address]

    def storage(self, address: Address, slot: int) -> int:
        try:
            return self._slots[address, slot]
        except KeyError:
            raise NotProven(f"the proof doesn't hold slot {slot:#x} of 0x{address.hex()}") from None

    def code(self, code_hash: Hash32) -> bytes:
        for code in self._codes.values():
            if keccak(code) == code_hash:
                return code
        raise NotProven(f"nobody knows the code 0x{code_hash.hex()}")

    def _add(self, proof: AccountProof) -> None:
        if proof.address in self._accounts:
            raise InvalidMarginProof(f"0x{proof.address.hex()} is proven twice")
        self._accounts[proof.address] = proof.account
        for slot in proof.storage:
            if (proof.address, slot.slot) in self._slots:
                raise InvalidMarginProof(f"slot {slot.slot:#x} is proven twice")
            self._slots[proof.address, slot.slot] = slot.value

    def _check_codes(self) -> None:
        """The clearing house must run the code that this program was built with, or none of what
        it answers means what the specification says."""
        for address, account in self._accounts.items():
            found = EMPTY_CODE_HASH if account is None else account.code_hash
            if found != keccak(self._codes.get(address, b"")):
                raise InvalidMarginProof(
                    f"0x{address.hex()} has other code than in this version of tallystick: use the"
                    " version that the chain was started with"
                )


def _known_codes() -> Mapping[Address, bytes]:
    names = {CLEARING_HOUSE: "ClearingHouse"} | dict(zip(CLEARING_HOUSE_MODULES, MODULE_NAMES))
    return {address: artifact(name).predeploy_code for address, name in names.items()}
