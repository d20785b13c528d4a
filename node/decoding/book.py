"""What is known about a chain's addresses: their names, and the ABIs of what is there."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from eth_utils.address import to_checksum_address

from bridge.deployment import Deployment
from execution.contracts.abi import CLEARING_HOUSE_MODULES as MODULES
from execution.contracts.abi import interface
from execution.evm.precompiles import precompiles
from genesis.accounts import dev_accounts, operator_accounts
from genesis.predeploys import CLEARING_HOUSE_MODULES, DEPOSITOR
from node.console import CONSOLE_ADDRESS, console_abi
from node.decoding.abi import Abi, Argument, Decoded
from node.decoding.sources import Source
from node.decoding.standards import standard_abi
from node.decoding.trace import TracedCall
from node.known_contracts import KnownContract, l1_contracts, l2_contracts
from state.types import Address

_PRECOMPILE_NAMES: Final = (
    "ecrecover",
    "sha256",
    "ripemd160",
    "identity",
    "modexp",
    "ecAdd",
    "ecMul",
    "ecPairing",
    "blake2f",
    "pointEvaluation",
)

PRECOMPILES: Final = dict(zip(precompiles(), _PRECOMPILE_NAMES, strict=True))
"""Names of the native contracts."""


Ask: TypeAlias = Callable[[Abi], Decoded | None]


class AddressBook:
    """Names and ABIs by address, and what is tried where nobody knows the address."""

    def __init__(self) -> None:
        self._names: dict[Address, str] = dict(PRECOMPILES)
        self._abis: dict[Address, Abi] = {}
        self._anywhere: list[Abi] = [standard_abi()]
        self.know(CONSOLE_ADDRESS, "console", console_abi())

    def know(self, address: Address, name: str, abi: Abi | None = None) -> None:
        """Name an address, and say what is there. Its errors and events may come from anywhere."""
        self._names[address] = name
        if abi is not None:
            self._abis[address] = abi
            self._anywhere.append(abi)

    def match(self, address: Address, code: bytes, sources: Iterable[Source]) -> Source | None:
        """Know an address by the first source that its code was compiled from; None without."""
        for source in sources:
            if source.is_code_of(code):
                self.know(address, source.name, source.abi)
                return source
        return None

    def name(self, address: Address) -> str | None:
        """What is at an address, or whose it is."""
        return self._names.get(address)

    def is_known(self, address: Address) -> bool:
        """Whether there is an ABI for an address, or nothing to have one for."""
        return address in self._abis or address in PRECOMPILES

    def learn_proxies(self, root: TracedCall) -> None:
        """Know contracts that hand their calls on to a known one, by seeing them do it."""
        for call in root.walk():
            inner = next((one for one in call.inner if isinstance(one, TracedCall)), None)
            if inner is None or call.to is None or inner.to is None or self.is_known(call.to):
                continue
            # A clone may add arguments of its own behind the input.
            hands_on = inner.kind == "DELEGATECALL" and inner.input.startswith(call.input)
            if hands_on and call.input and inner.to in self._abis:
                name = self._names.get(call.to, f"{self._names[inner.to]} {_short(call.to)}")
                self.know(call.to, name, self._abis[inner.to])

    # Decoding

    def call(self, to: Address, data: bytes) -> Decoded | None:
        """A call by its input. At an unknown address only standards are tried."""
        abi = self._abis.get(to)
        found = abi.call(data) if abi is not None else None
        return found if found is not None else standard_abi().call(data)

    def result(self, to: Address, data: bytes, output: bytes) -> tuple[Argument, ...] | None:
        """What a call returned."""
        abi = self._abis.get(to)
        found = abi.result(data, output) if abi is not None else None
        return found if found is not None else standard_abi().result(data, output)

    def event(self, address: Address, topics: Sequence[bytes], data: bytes) -> Decoded | None:
        """A log. Where code of one address runs at another, the other ABIs are tried as well."""
        return self._first(address, lambda abi: abi.event(topics, data))

    def error(self, address: Address, data: bytes) -> Decoded | None:
        """What a revert says; errors go up through contracts that don't know them."""
        return self._first(address, lambda abi: abi.error(data))

    def _first(self, address: Address, ask: Ask) -> Decoded | None:
        own = self._abis.get(address)
        for abi in (*((own,) if own is not None else ()), *self._anywhere):
            found = ask(abi)
            if found is not None:
                return found
        return None


def l2_book() -> AddressBook:
    """The predeploys of every L2."""
    book = AddressBook()
    _know_all(book, l2_contracts())
    book.know(DEPOSITOR, "depositor of L1 attributes")
    for name, address in zip(MODULES, CLEARING_HOUSE_MODULES, strict=True):
        book.know(address, f"ClearingHouse {name}", Abi(interface(name).items))
    return book


def l1_book(deployment: Deployment) -> AddressBook:
    """The rollup's contracts on L1."""
    book = AddressBook()
    _know_all(book, l1_contracts(deployment))
    return book


def know_dev_accounts(book: AddressBook) -> None:
    """Name the accounts of a devnet, whose keys everybody knows."""
    for index, account in enumerate(dev_accounts()):
        book.know(account.address, f"dev account {index}")
    operators = operator_accounts()
    for duty in operators.__dataclass_fields__:
        book.know(getattr(operators, duty).address, duty)


def _short(address: Address) -> str:
    text = to_checksum_address(address)
    return f"{text[:6]}…{text[-4:]}"


def _know_all(book: AddressBook, contracts: Mapping[str, KnownContract]) -> None:
    for name, contract in contracts.items():
        book.know(contract.address, name, Abi(contract.abi.items))
