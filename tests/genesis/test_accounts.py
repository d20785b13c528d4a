"""Dev accounts against the eth-account library, and keys that stay where they are."""

import copy
import pickle

import pytest
from eth_account import Account

from genesis.accounts import (
    TEST_MNEMONIC,
    DevAccount,
    address_of,
    derive_account,
    dev_accounts,
    operator_accounts,
)

Account.enable_unaudited_hdwallet_features()


@pytest.mark.parametrize("index", [0, 1, 9, 10, 16, 1000])
def test_derived_account_equals_eth_accounts(index: int) -> None:
    path = f"m/44'/60'/0'/0/{index}"
    expected = Account.from_mnemonic(TEST_MNEMONIC, account_path=path)
    account = derive_account(index)
    assert account.key == bytes(expected.key)
    assert account.address == bytes.fromhex(expected.address[2:])


def test_first_dev_account_is_the_well_known_one() -> None:
    assert dev_accounts()[0].address.hex() == "f39fd6e51aad88f6f4ce6ab8827279cfffb92266"
    assert len({a.address for a in dev_accounts()}) == 10


def test_operators_follow_the_dev_accounts() -> None:
    operators = operator_accounts()
    assert operators.deployer == derive_account(10)
    assert operators.batcher == derive_account(11)
    assert operators.keeper == derive_account(16)
    assert operators.challenger == derive_account(17)


def test_key_shows_in_no_repr() -> None:
    account = dev_accounts()[0]
    for text in (repr(account), str(account), repr(operator_accounts())):
        assert account.key.hex() not in text
        assert repr(account.key) not in text
    assert "key" not in repr(account)


def test_key_does_not_travel() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(dev_accounts()[0])
    with pytest.raises(TypeError):
        copy.deepcopy(dev_accounts()[0])


@pytest.mark.parametrize("key", [bytes(32), b"\xff" * 32, b"", b"\x01" * 33])
def test_address_of_no_private_key_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError):
        address_of(key)


def test_accounts_compare_by_value() -> None:
    first = dev_accounts()[0]
    assert DevAccount(first.address, first.key) == first
