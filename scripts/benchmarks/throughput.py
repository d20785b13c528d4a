"""Transactions a second through JSON-RPC: our devnet's sequencer against anvil.

Many accounts send transactions signed beforehand, one request each, from a client process of its
own; the clock runs from the first send to the last receipt, and only successful receipts count.
Chains take turns; the others have nothing to do meanwhile. Ours is the whole devnet: embedded L1
and verifier work beside the sequencer, all on disk; anvil is alone and in memory.
"""

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from eth_abi import encode

from bridge.contracts import artifact
from execution.signing import UnsignedTransaction, sign
from genesis.accounts import DevAccount, derive_account, dev_accounts
from scripts.benchmarks.chains import ROOT, ChainFailed, RunningChain, anvil, devnet
from scripts.benchmarks.load import Load, Outcome
from scripts.benchmarks.report import median, print_table, ratio, spread
from state.keccak import keccak
from state.types import Address, Gas, Wei

GWEI = 10**9
ETHER = 10**18

FEE_CAP = Wei(100 * GWEI)
"""Full blocks raise the base fee by an eighth; a run has too few of them to reach this."""
TIP = Wei(GWEI)
NO_VALUE = Wei(0)

FUNDS = Wei(5 * ETHER)
"""What each sender gets: a hundred token transfers at the fee cap, several times over."""

TRANSFER_GAS = Gas(21_000)
TOKEN_TRANSFER_GAS = Gas(60_000)
"""TestUSD.transfer takes some 34,000 to an account that has some already."""
DEPLOY_GAS = Gas(2_000_000)

FIRST_SENDER = 1_000
"""Senders are the mnemonic's accounts from this index on, which nobody else uses."""

SECONDS_MAX = 40.0
"""A round that takes longer has failed: 8,000 transactions at 200 a second."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A chain with funded senders and a token."""

    chain: RunningChain
    chain_id: int
    senders: tuple[DevAccount, ...]
    token: Address


Fields = Callable[[Prepared, Address, int], UnsignedTransaction]
"""A transaction to a recipient with a nonce."""


@dataclass(frozen=True, slots=True)
class Workload:
    """A kind of transaction; `share` is how many of them there are to each plain transfer."""

    name: str
    fields: Fields
    share: float


def transfer(_: Prepared, to: Address, nonce: int) -> UnsignedTransaction:
    """One wei to an account that exists."""
    return unsigned(nonce, TRANSFER_GAS, to, value=Wei(1))


def token_transfer(prepared: Prepared, to: Address, nonce: int) -> UnsignedTransaction:
    """A token unit to an account that has some."""
    data = _calldata("transfer(address,uint256)", to, 1)
    return unsigned(nonce, TOKEN_TRANSFER_GAS, prepared.token, data=data)


WORKLOADS = (
    Workload("plain transfers", transfer, 1.0),
    Workload("token transfers", token_transfer, 0.5),
)


def unsigned(
    nonce: int, gas: Gas, to: Address | None, *, value: Wei = NO_VALUE, data: bytes = b""
) -> UnsignedTransaction:
    """At fees that last for a run."""
    return UnsignedTransaction(nonce, gas, to, value, data, FEE_CAP, TIP)


def _calldata(signature: str, address: Address, amount: int) -> bytes:
    selector = keccak(signature.encode())[:4]
    return selector + encode(["address", "uint256"], [address, amount])


# Preparing


def prepare(chain: RunningChain, sender_count: int) -> Prepared:
    """Fund senders and deploy the token, outside of what is timed."""
    funder = dev_accounts()[0]
    chain_id = int(chain.ask("eth_chainId"), 16)
    senders = tuple(derive_account(FIRST_SENDER + index) for index in range(sender_count))
    nonce = nonce_of(chain, funder.address)
    fields = [unsigned(nonce, DEPLOY_GAS, None, data=artifact("TestUSD").bytecode)]
    for sender in senders:
        fields.append(unsigned(nonce + len(fields), TRANSFER_GAS, sender.address, value=FUNDS))
    receipts = mine(chain, [sign(one, funder.key, chain_id) for one in fields])
    token = Address(bytes.fromhex(receipts[0]["contractAddress"][2:]))
    mints = [
        unsigned(
            nonce + len(fields) + index,
            TOKEN_TRANSFER_GAS + TRANSFER_GAS,
            token,
            data=_calldata("mint(address,uint256)", sender.address, 10**12),
        )
        for index, sender in enumerate(senders)
    ]
    mine(chain, [sign(one, funder.key, chain_id) for one in mints])
    return Prepared(chain, chain_id, senders, token)


def mine(chain: RunningChain, raws: Sequence[bytes]) -> list[dict[str, Any]]:
    """Send and wait for the receipts. Raises `ChainFailed` if one of them failed."""
    hashes = [chain.ask("eth_sendRawTransaction", f"0x{raw.hex()}") for raw in raws]
    deadline = time.monotonic() + SECONDS_MAX
    receipts = []
    for one in hashes:
        while (receipt := chain.ask("eth_getTransactionReceipt", one)) is None:
            if time.monotonic() > deadline:
                raise ChainFailed(f"{chain.name} mined no {one} within {SECONDS_MAX} s")
            time.sleep(0.05)
        if receipt["status"] != "0x1":
            raise ChainFailed(f"{chain.name}: {one} failed while preparing")
        receipts.append(receipt)
    return receipts


def nonce_of(chain: RunningChain, address: Address) -> int:
    """The nonce to use next."""
    return int(chain.ask("eth_getTransactionCount", f"0x{address.hex()}", "latest"), 16)


# Measuring


def signed(prepared: Prepared, workload: Workload, count: int) -> list[list[str]]:
    """`count` transactions spread over the senders, each sending to the one after it."""
    senders = prepared.senders
    raws = []
    for index, sender in enumerate(senders):
        to = senders[(index + 1) % len(senders)].address
        nonce = nonce_of(prepared.chain, sender.address)
        of_this = range(nonce, nonce + len(range(index, count, len(senders))))
        fields = (workload.fields(prepared, to, one) for one in of_this)
        raws.append([f"0x{sign(one, sender.key, prepared.chain_id).hex()}" for one in fields])
    return [raw for raw in raws if raw]


def run_round(prepared: Prepared, workload: Workload, count: int) -> Outcome:
    """One timed round in a client process. Raises `ChainFailed` unless all succeeded."""
    chain = prepared.chain
    load = Load(chain.url, signed(prepared, workload, count), SECONDS_MAX, chain.mines_on_demand)
    client = subprocess.run(
        [sys.executable, "-m", "scripts.benchmarks.load"],
        cwd=ROOT, input=json.dumps(asdict(load)), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if client.returncode != 0:
        raise ChainFailed(f"{chain.name}, {workload.name}: {client.stderr.strip()}")
    outcome = Outcome(**json.loads(client.stdout))
    if outcome.succeeded != count:
        raise ChainFailed(
            f"{chain.name}, {workload.name}: {outcome.succeeded} of {count} succeeded"
        )
    return outcome


@contextlib.contextmanager
def chains(sender_count: int) -> Iterator[list[Prepared]]:
    """Ours first, then its peers, prepared."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tallystick-bench-")))
        started = [
            stack.enter_context(devnet(folder)),
            stack.enter_context(anvil(folder, block_seconds=1)),
            stack.enter_context(anvil(folder, block_seconds=None)),
        ]
        yield [prepare(chain, sender_count) for chain in started]


def measure(
    prepared: Sequence[Prepared], workload: Workload, count: int, rounds: int
) -> list[list[Outcome]]:
    """Outcomes by chain; the chains take turns.

    A round that fails is void. Anvil with blocks on demand sometimes loses transactions; where that
    happens to ours, `ChainFailed` is raised.
    """
    outcomes: list[list[Outcome]] = [[] for _ in prepared]
    for number in range(rounds):
        for index, one in enumerate(prepared):
            heading = f"  {workload.name}, round {number + 1}, "
            try:
                outcome = run_round(one, workload, count)
            except ChainFailed as failure:
                if index == 0:
                    raise
                click.echo(f"{heading}void: {failure.message}", err=True)
                continue
            outcomes[index].append(outcome)
            click.echo(
                f"{heading}{one.chain.name}: {count} in {outcome.seconds:.2f} s and"
                f" {outcome.blocks} blocks (taken in {outcome.sending_seconds:.2f} s)",
                err=True,
            )
    return outcomes


@click.command(context_settings={"show_default": True})
@click.option("--transactions", default=2_000, type=click.IntRange(1, 8_000), help="A round has.")
@click.option("--senders", default=20, type=click.IntRange(1, 90), help="Accounts that send.")
@click.option("--rounds", default=3, type=click.IntRange(1, 20), help="Rounds a chain.")
def main(transactions: int, senders: int, rounds: int) -> None:
    """Measure transactions a second through JSON-RPC against anvil."""
    rows = []
    with chains(senders) as prepared:
        for workload in WORKLOADS:
            count = max(1, round(transactions * workload.share))
            ours, *peers = measure(prepared, workload, count, rounds)
            for peer, one in zip(peers, prepared[1:], strict=True):
                rows.append([f"{count:,} {workload.name}", one.chain.name, *_figures(ours, peer)])
    print_table(
        f"Transactions a second, signed bytes to receipt: medians of {rounds} (least-most)",
        ("workload", "peer", "tallystick", "peer's", "ratio"),
        rows,
        command="./scripts/bench throughput",
        names=2,
    )


def _figures(ours: Sequence[Outcome], peer: Sequence[Outcome]) -> tuple[str, str, str]:
    if not peer:
        return spread([one.rate for one in ours]), "every round void", "-"
    our_rates, peer_rates = [[one.rate for one in outcomes] for outcomes in (ours, peer)]
    return spread(our_rates), spread(peer_rates), ratio(median(our_rates), median(peer_rates))


if __name__ == "__main__":
    main()
