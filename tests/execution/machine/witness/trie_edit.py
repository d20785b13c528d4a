"""TrieEdit.sol in pyrevm, and tries whose keys are as alike as a test wants them."""

from collections.abc import Iterable

from eth_abi import decode

from execution.machine.witness.tries import TrieEdit, trie_edit, trie_path
from execution.machine.witness.writer import WitnessWriter
from state.accounts import EMPTY_TRIE_ROOT
from state.keccak import keccak
from state.trie import get
from state.types import Hash32
from tests.contracts import artifact
from tests.contracts.vm import Vm

KEY_DIGITS = 64


def witness(*nodes: bytes) -> bytes:
    """A witness of nothing but these nodes."""
    writer = WitnessWriter()
    for node in nodes:
        writer.blob(node)
    return writer.getvalue()


def whole(edit: TrieEdit) -> bytes:
    """All that opening and closing read."""
    return witness(*edit.path, *edit.siblings)


class Harness:
    """The contract; its calls raise `Reverted`."""

    def __init__(self) -> None:
        self.vm = Vm()
        self.address = self.vm.deploy(artifact("TrieEditHarness"))

    def get(self, root: bytes, key: bytes, data: bytes) -> bytes:
        return self._call("get", ["bytes32", "bytes32", "bytes"], [root, key, data], ["bytes"])[0]

    def set(self, root: bytes, key: bytes, value: bytes, data: bytes) -> tuple[bytes, bytes]:
        """The value before, and the root after."""
        types = ["bytes32", "bytes32", "bytes", "bytes"]
        return self._call("set", types, [root, key, value, data], ["bytes", "bytes32"])

    def measure(self, root: bytes, key: bytes, value: bytes, data: bytes) -> tuple[int, int]:
        """Gas of opening and of closing."""
        types = ["bytes32", "bytes32", "bytes", "bytes"]
        return self._call("measure", types, [root, key, value, data], ["uint256", "uint256"])

    def set_number(
        self, function: str, root: bytes, address: bytes, slot: int, number: int, data: bytes
    ) -> tuple[int, bytes]:
        """The number before, and the root after: of a slot, warm or transient or lasting."""
        types = ["bytes32", "address", "uint256", "uint256", "bytes"]
        values = [root, address, slot, number, data]
        return self._call(function, types, values, ["uint256", "bytes32"])

    def set_flags(self, root: bytes, address: bytes, flags: int, data: bytes) -> tuple[int, bytes]:
        types = ["bytes32", "address", "uint256", "bytes"]
        return self._call("setFlags", types, [root, address, flags, data], ["uint256", "bytes32"])

    def set_account(
        self, root: bytes, address: bytes, leaf: tuple[int, int, bytes, bytes], data: bytes
    ) -> tuple[tuple[int, int, bytes, bytes], bool, bytes]:
        """The account before, whether it was there, and the root after."""
        leaf_type = "(uint256,uint256,bytes32,bytes32)"
        types = ["bytes32", "address", leaf_type, "bytes"]
        answers = [leaf_type, "bool", "bytes32"]
        return self._call("setAccount", types, [root, address, leaf, data], answers)

    def _call(self, function: str, types: list[str], values: list, answers: list[str]) -> tuple:
        signature = f"{function}({','.join(types)})"
        return decode(answers, self.vm.call(self.address, signature, types, values))


class Entries:
    """A trie of raw keys."""

    def __init__(self, entries: Iterable[tuple[bytes, bytes]] = ()) -> None:
        self.nodes: dict[Hash32, bytes] = {}
        self.root = EMPTY_TRIE_ROOT
        for key, value in entries:
            self.apply(self.edit(key, value))

    def value(self, key: bytes) -> bytes:
        return get(self.root, key, self.nodes.__getitem__) or b""

    def path(self, key: bytes) -> tuple[bytes, ...]:
        return trie_path(self.root, key, self.nodes.__getitem__)

    def edit(self, key: bytes, value: bytes) -> TrieEdit:
        return trie_edit(self.root, key, value, self.nodes.__getitem__)

    def apply(self, edit: TrieEdit) -> None:
        self.nodes.update(edit.nodes)
        self.root = edit.root


def key(start: str, fill: str = "7", end: str = "") -> bytes:
    """The key that begins and ends with these hex digits."""
    return bytes.fromhex(start + fill * (KEY_DIGITS - len(start) - len(end)) + end)


def root_of(node: bytes) -> Hash32:
    """The root of a trie whose root node is this, well formed or not."""
    return keccak(node)
