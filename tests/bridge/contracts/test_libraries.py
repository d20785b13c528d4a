"""The small libraries against Python: output roots, withdrawal hashes, clones, predeploys."""

import pytest
from eth_abi import decode, encode
from hypothesis import given, settings

from bridge.boundary import Boundary
from genesis.predeploys import CLEARING_HOUSE, L1_BLOCK
from state.keccak import keccak
from state.types import Address
from tests.bridge.strategies import BOUNDARIES
from tests.contracts import artifact
from tests.contracts.vm import SENDER, Reverted, Vm, selector

BOUNDARY = "(uint256,bytes32,uint256,bytes32,bytes32,bytes32,bytes32" + ",uint256" * 5 + ")"
WITHDRAWAL = "(uint256,address,address,uint256,uint256,bytes)"


@pytest.fixture(scope="module")
def vm() -> Vm:
    return Vm()


@pytest.fixture(scope="module")
def harness(vm: Vm) -> Address:
    return vm.deploy(artifact("LibraryHarness"))


@settings(max_examples=30)
@given(boundary=BOUNDARIES)
def test_output_root_equals_the_nodes(vm: Vm, harness: Address, boundary: Boundary) -> None:
    call = selector(f"outputRoot({BOUNDARY})") + boundary.encode()
    assert vm.send(harness, call) == boundary.output_root


def test_output_root_of_another_version_reverts(vm: Vm, harness: Address) -> None:
    with pytest.raises(Reverted) as refusal:
        vm.send(harness, selector(f"outputRoot({BOUNDARY})") + bytes(32 * 12))
    assert refusal.value.is_error("UnknownBoundaryVersion(uint256)")


@pytest.mark.parametrize("data", [b"", b"x", b"\xff" * 100])
def test_withdrawal_hash_is_the_abi_encodings(vm: Vm, harness: Address, data: bytes) -> None:
    fields = (2**256 - 1, b"\x01" * 20, b"\x02" * 20, 3, 4, data)
    answer = vm.call(harness, f"hashWithdrawal({WITHDRAWAL})", [WITHDRAWAL], [fields])
    assert answer == keccak(encode(WITHDRAWAL[1:-1].split(","), fields))


def _clone(vm: Vm, harness: Address, args: bytes, salt: bytes) -> Address:
    vm.call(harness, "clone(bytes,bytes32)", ["bytes", "bytes32"], [args, salt])
    return Address(vm.logs[0].data[12:])


@pytest.mark.parametrize("size", [0, 1, 320, 4096])
def test_clone_reads_its_arguments_and_runs_the_code(vm: Vm, harness: Address, size: int) -> None:
    args = bytes(i % 251 for i in range(size))
    clone = _clone(vm, harness, args, size.to_bytes(32, "big"))
    assert decode(["bytes"], vm.call(clone, "readArgs()"))[0] == args
    alias = vm.call(clone, "toL2(address)", ["address"], [SENDER])
    assert alias == vm.call(harness, "toL2(address)", ["address"], [SENDER])


def test_clone_of_the_same_salt_and_arguments_reverts(vm: Vm, harness: Address) -> None:
    first = _clone(vm, harness, b"one", b"\x01" * 32)
    with pytest.raises(Reverted) as refusal:
        _clone(vm, harness, b"one", b"\x01" * 32)
    assert refusal.value.is_error("CloneFailed()")
    assert _clone(vm, harness, b"two", b"\x01" * 32) != first


def test_clone_with_too_many_arguments_reverts(vm: Vm, harness: Address) -> None:
    with pytest.raises(Reverted) as refusal:
        _clone(vm, harness, bytes(4097), bytes(32))
    assert refusal.value.is_error("CloneFailed()")


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (L1_BLOCK, True),
        (CLEARING_HOUSE, True),
        (b"\x42" + bytes(19), True),
        (b"\x42" + bytes(17) + b"\xff\xff", True),
        (b"\x42" + bytes(16) + b"\x01\x00\x00", False),
        (b"\x43" + bytes(19), False),
        (bytes(20), False),
    ],
)
def test_predeploy_range(vm: Vm, harness: Address, account: bytes, expected: bool) -> None:
    answer = vm.call(harness, "isPredeploy(address)", ["address"], [account])
    assert bool(int.from_bytes(answer, "big")) is expected
