"""The L1 attributes deposit against an independent ABI encoder."""

from eth_abi import encode

from bridge.derive.attributes import ATTRIBUTES_GAS, attributes_deposit
from bridge.items import Origin
from genesis.predeploys import DEPOSITOR, L1_BLOCK
from state.keccak import keccak
from state.types import BlockNumber
from tests.bridge.derive.inbox import Inbox

SIGNATURE = b"setL1BlockValues(uint64,uint64,uint256,bytes32,uint64)"


def test_attributes_deposit_calls_l1_block_with_the_origins_values() -> None:
    item = Inbox().tip
    tx = attributes_deposit(item, Origin(0, 5), BlockNumber(77))
    values = [item.l1_number, item.l1_time, item.l1_base_fee, item.l1_hash, 5]
    types = ["uint64", "uint64", "uint256", "bytes32", "uint64"]
    assert tx.data == keccak(SIGNATURE)[:4] + encode(types, values)
    assert (tx.sender, tx.to, tx.gas) == (DEPOSITOR, L1_BLOCK, ATTRIBUTES_GAS)
    assert (tx.mint, tx.value, tx.is_system) == (0, 0, False)


def test_attributes_source_hash_names_item_and_block() -> None:
    item = Inbox().tip
    inner = keccak(item.acc + encode(["uint256"], [77]))
    tx = attributes_deposit(item, Origin(), BlockNumber(77))
    assert tx.source_hash == keccak(encode(["uint256", "bytes32"], [1, inner]))


def test_attributes_of_two_blocks_have_two_hashes() -> None:
    item = Inbox().tip
    first = attributes_deposit(item, Origin(0, 1), BlockNumber(1))
    assert first.hash != attributes_deposit(item, Origin(0, 1), BlockNumber(2)).hash
