"""The same questions to anvil and to us after the same transactions: each difference explained."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.bridge.conftest import Anvil
from tests.clients.differential import Difference, Table, differences, questions, transactions
from tests.devnet.conftest import wait_for
from tests.node.rpc.harness import GENESIS_TIME, open_chain, running_node

HASHES = "genesis holds other accounts, and Prague's header has a field more: all hashes follow"
SPECIFICATION = "execution-apis has no such field"
GETH_WORDS = "geth's code and words, which say more; anvil has its own"
GETH_CHECKS = "geth checks it and anvil doesn't"
NO_UNCLES = "geth answers for a block that is there, and null for one that isn't"
UNMADE = "a pending block has no hash, nonce or miner yet, as in geth"
ANVIL_SIMULATES = "anvil's first simulated block has its base's own number and time"
SPEC_SIMULATES = "eth_simulateV1 by its specification, which anvil follows in part"
BY_CHANCE = "each has a clock of its own, and may have the same time all the same"
NO_FEES = "without validation a simulated block's base fee is zero, as in geth"

ALLOWED = (
    # Blocks and transactions
    (".*", r".*\.(blockHash|parentHash|stateRoot|requestsHash)", HASHES),
    ("eth_getBlockByNumber", r"\.result\.(hash|size)", HASHES),
    ("eth_getBlockByNumber", r"\.result\.mixHash", "each draws its own randomness"),
    ("eth_getBlockByNumber", r"\.result\.totalDifficulty", SPECIFICATION),
    ("eth_get(TransactionReceipt|BlockReceipts)", r".*\.(blobGasPrice|blockTimestamp)",
     SPECIFICATION),
    ("(block|hashes) earliest", r"\.result\.baseFeePerGas",
     "anvil's option sets the fee of block 1, ours that of genesis"),
    ("(block|hashes) pending", r"\.result\.(miner|nonce)", UNMADE),
    ("(block|hashes) pending", r"\.result\.timestamp", BY_CHANCE),
    ("receipts pending", r"\.result", "an empty block has no receipts; anvil has no such block"),
    ("uncles (pending|0xffff)", r".*", NO_UNCLES),
    ("eth_getUncleCountByBlockHash", r".*", NO_UNCLES),
    ("count 0xffff", r".*", "null for a block that isn't there, as in geth"),
    (".* 0xffff", r"\.error\.(code|message)", GETH_WORDS),
    # Calls
    ("estimate (value|move|creation)", r"\.result",
     "geth stops searching within 1.5% of the least gas; anvil goes to the end"),
    ("(call|estimate) (no step|overflow)", r"\.error\.message", GETH_WORDS),
    ("call no funds", r"\.error\.(code|message)", GETH_WORDS),
    ("estimate no funds", r".*", GETH_CHECKS),
    ("call little gas", r"\.error\.message",
     "below EIP-7623's floor a call still runs here, since no block is to hold it"),
    ("estimate little gas", r"\.error\.(code|message)", GETH_WORDS),
    ("(call|estimate) (low fee|two prices)", r".*", GETH_CHECKS),
    ("(call|estimate) tip above cap", r"\.error\.(code|message)", GETH_WORDS),
    ("endless", r"\.error\.(code|message)", GETH_WORDS),
    # Simulations
    ("eth_simulateV1", r".*\.(number|blockNumber|timestamp)", ANVIL_SIMULATES),
    ("eth_simulateV1", r".*\.blockTimestamp", ANVIL_SIMULATES),
    ("eth_simulateV1", r".*\.baseFeePerGas", NO_FEES),
    ("eth_simulateV1", r"\.result\[\d\]\.(hash|size)", HASHES),
    ("eth_simulateV1", r".*\.(transactionHash|transactions\[\d\]|transactionsRoot|receiptsRoot)",
     SPEC_SIMULATES),
    ("eth_simulateV1", r".*\.(maxUsedGas|withdrawals|withdrawalsRoot|parentBeaconBlockRoot)",
     SPEC_SIMULATES),
    ("eth_simulateV1", r".*\.(blobGasUsed|excessBlobGas|totalDifficulty)", SPEC_SIMULATES),
    ("simulation", r"\.result\[1\]\.calls\[0\]\.(returnData|error\..*)", SPEC_SIMULATES),
    ("simulated transfer", r"\.result\[0\]\.logsBloom",
     "a transfer that no contract logged is in no bloom filter, as in geth"),
    # Proofs
    ("eth_getProof", r"\.result\.accountProof\[\d\]", HASHES),
    # Fees
    ("eth_gasPrice", r"\.result", "never below the newest block's base fee, as in geth"),
    ("fee history of none", r".*", "nothing is asked for, so nothing is told, as in geth"),
    ("fee history of wrong order", r".*", GETH_CHECKS),
    # Logs
    ("logs backwards", r".*", GETH_CHECKS),
    # What is refused
    ("send (nonce too low|no funds|tip above cap|initcode)", r"\.error\.(code|message)",
     GETH_WORDS),
    ("send (intrinsic gas|wrong chain|no transaction|nothing)", r"\.error\.(code|message)",
     GETH_WORDS),
    ("send fee below base fee", r".*", "it waits in the pool for a lower base fee, as in geth"),
    ("no such method|missing argument|malformed argument|unknown account|subscription",
     r"\.error\.(code|message)", GETH_WORDS),
    ("web3_clientVersion", r"\.result", "the name"),
)  # fmt: skip


@pytest.fixture
def anvil() -> Iterator[Anvil]:
    """An anvil whose first block has the time and base fee of ours."""
    options = {"--hardfork": "prague", "--timestamp": str(GENESIS_TIME)}
    fees = {"--gas-limit": "30000000", "--base-fee": "875000000"}
    instance = Anvil(*(word for option in (options | fees).items() for word in option))
    yield instance
    instance.remove()


def test_anvil_and_we_differ_only_where_there_is_a_reason(anvil: Anvil) -> None:
    table = Table(ALLOWED)
    with httpx.Client(base_url=anvil.url, timeout=60, trust_env=False, verify=False) as client:

        def ask(method: str, *params: object) -> dict[str, Any]:
            body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            return client.post("/", json=body).json()

        with running_node(open_chain()) as node:
            hashes = []
            for place, raw in enumerate(transactions(), start=1):
                ask("evm_setNextBlockTimestamp", GENESIS_TIME + place)
                hashes.append(node.call("eth_sendRawTransaction", "0x" + raw.hex()))
                assert ask("eth_sendRawTransaction", "0x" + raw.hex())["result"] == hashes[-1]
                # anvil answers before it has made the block, which mustn't get the next one's time.
                wait_for(lambda: ask("eth_getTransactionReceipt", hashes[-1])["result"])
            found: list[Difference] = []
            for question in questions(hashes):
                ours = node.answer(question.method, *question.params)
                found += differences(question, ours, ask(question.method, *question.params))
    unexplained = [str(one) for one in found if not table.allows(one)]
    assert unexplained == []
    stale = [row for row in table.stale() if row[2] != BY_CHANCE]
    assert stale == [], "these differences are no more: take their rows out"
