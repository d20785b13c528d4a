"""A dev account that sends transactions to a node, and what tests ask about them."""

from dataclasses import dataclass
from typing import Any

from bridge.l1 import contracts
from execution.signing import UnsignedTransaction, address_of, sign
from genesis.accounts import dev_accounts
from state.types import Address, Gas, Wei
from tests.devnet.conftest import WAIT_SECONDS_MAX, rpc, wait_for

GWEI = 10**9
ETHER = 10**18
DEPOSIT_L2_GAS = 50_000


@dataclass
class Sender:
    """Signs with one of the ten dev accounts; the nonce is asked of the node unless given."""

    url: str
    index: int

    @property
    def key(self) -> bytes:
        return dev_accounts()[self.index].key

    @property
    def address(self) -> str:
        return "0x" + address_of(self.key).hex()

    def nonce(self, tag: str = "pending") -> int:
        return int(rpc(self.url, "eth_getTransactionCount", self.address, tag), 16)

    def sign(self, to: bytes, nonce: int | None = None, **fields: Any) -> str:
        """A signed transfer of one wei, unless `fields` say otherwise; as hex."""
        chosen: dict[str, Any] = {
            "nonce": self.nonce() if nonce is None else nonce,
            "gas": Gas(21_000),
            "to": Address(to),
            "value": Wei(1),
            "max_fee_per_gas": Wei(20 * GWEI),
            "max_priority_fee_per_gas": Wei(GWEI),
        }
        chain_id = int(rpc(self.url, "eth_chainId"), 16)
        return "0x" + sign(UnsignedTransaction(**chosen | fields), self.key, chain_id).hex()

    def deposit(self, portal: str, to: bytes, wei: int, nonce: int | None = None) -> str:
        """A signed deposit on L1 of `wei` for `to` on L2; as hex."""
        call = contracts.DEPOSIT_TRANSACTION.call(Address(to), wei, DEPOSIT_L2_GAS, False, b"")
        answer = call_contract(self.url, portal, contracts.DEPOSIT_GAS_PRICE.call())
        value = Wei(wei + DEPOSIT_L2_GAS * int(answer, 16))
        portal_address = bytes.fromhex(portal[2:])
        return self.sign(portal_address, nonce, gas=Gas(1_000_000), value=value, data=call)

    def send(self, raw: str) -> str:
        """Hand a signed transaction in; its hash."""
        return str(rpc(self.url, "eth_sendRawTransaction", raw))


def call_contract(url: str, to: str, data: bytes) -> str:
    """The output of `eth_call` in the newest state, as hex."""
    return str(rpc(url, "eth_call", {"to": to, "data": "0x" + data.hex()}, "latest"))


def receipt(url: str, hash: str) -> dict[str, Any] | None:
    return rpc(url, "eth_getTransactionReceipt", hash)


def wait_for_receipt(url: str, hash: str, seconds: float = WAIT_SECONDS_MAX) -> dict[str, Any]:
    """The receipt of a transaction that succeeds."""
    found = wait_for(lambda: receipt(url, hash), seconds, f"the receipt of {hash}")
    assert found["status"] == "0x1", found
    return found


def balance(url: str, address: bytes) -> int:
    return int(rpc(url, "eth_getBalance", "0x" + address.hex(), "latest"), 16)
