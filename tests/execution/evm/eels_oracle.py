"""The execution specification as an oracle: run by a Python that has `ethereum-execution`.

Reads official state tests, one JSON a line, and answers each with the post-state root, the hash of
the logs and the gas used, or why the transaction is invalid. Imports nothing of this project.
"""

import json
import sys
from typing import Any

from ethereum.crypto.hash import keccak256
from ethereum.exceptions import EthereumException
from ethereum.forks.cancun import vm
from ethereum.forks.cancun.fork import process_transaction
from ethereum.forks.cancun.fork_types import Account, Address
from ethereum.forks.cancun.state import State, set_account, set_storage, state_root
from ethereum.forks.cancun.transactions import LegacyTransaction, decode_transaction
from ethereum_rlp import rlp
from ethereum_types.bytes import Bytes32
from ethereum_types.numeric import U64, U256, Uint

DEPTH = 100_000


def answer(test: dict[str, Any]) -> dict[str, Any]:
    """Run the only case of a state test."""
    (case,) = test.values()
    (post,) = case["post"]["Cancun"]
    state = State()
    for address, account in case["pre"].items():
        put(state, Address(bytes.fromhex(address[2:])), account)
    output = vm.BlockOutput()
    raw = bytes.fromhex(post["txbytes"][2:])
    try:
        tx = rlp.decode_to(LegacyTransaction, raw) if raw[0] >= 0xC0 else decode_transaction(raw)
        process_transaction(environment(case["env"], state), output, tx, Uint(0))
    except (EthereumException, rlp.DecodingError) as error:
        return {"invalid": repr(error)}
    return {
        "root": state_root(state).hex(),
        "logs": keccak256(rlp.encode(output.block_logs)).hex(),
        "gas": int(output.block_gas_used),
    }


def put(state: State, address: Address, account: dict[str, Any]) -> None:
    set_account(
        state,
        address,
        Account(
            nonce=Uint(int(account["nonce"], 16)),
            balance=U256(int(account["balance"], 16)),
            code=bytes.fromhex(account["code"][2:]),
        ),
    )
    for slot, value in account["storage"].items():
        key = Bytes32(int(slot, 16).to_bytes(32, "big"))
        set_storage(state, address, key, U256(int(value, 16)))


def environment(env: dict[str, str], state: State) -> vm.BlockEnvironment:
    number = int(env["currentNumber"], 16)
    ancestors = range(max(number - 256, 0), number)
    return vm.BlockEnvironment(
        chain_id=U64(1),
        state=state,
        block_gas_limit=Uint(int(env["currentGasLimit"], 16)),
        block_hashes=[keccak256(str(n).encode()) for n in ancestors],
        coinbase=Address(bytes.fromhex(env["currentCoinbase"][2:])),
        number=Uint(number),
        base_fee_per_gas=Uint(int(env["currentBaseFee"], 16)),
        time=U256(int(env["currentTimestamp"], 16)),
        prev_randao=Bytes32(bytes.fromhex(env["currentRandom"][2:])),
        excess_blob_gas=U64(int(env["currentExcessBlobGas"], 16)),
        parent_beacon_block_root=Bytes32(bytes(32)),
    )


if __name__ == "__main__":
    sys.setrecursionlimit(DEPTH)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
