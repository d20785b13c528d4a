"""What L1 asks for the dearest step of every kind: the transaction `DisputeGame.step` on anvil.

The cases are those of tests/bridge/prover/worst_cases.py, which a test holds to L1's caps. Gas and
bytes are no times: they are the same on every machine.
"""

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from web3 import Web3

from scripts.benchmarks.chains import anvil
from scripts.benchmarks.report import print_table
from tests.bridge.contracts.l1 import L1
from tests.bridge.prover.court import STEP_GAS_MAX, Court, Verdict
from tests.bridge.prover.worst_case import WorstCase
from tests.bridge.prover.worst_cases import CALLDATA_BYTES_MAX, kind_of, worst_cases


@dataclass(frozen=True, slots=True)
class Proven:
    """A case, and what it cost."""

    case: WorstCase
    verdict: Verdict


def prove(words: Sequence[str]) -> list[Proven]:
    """Prove all cases, or those whose names contain one of `words`."""
    chosen = [
        case for case in worst_cases() if not words or any(word in case.name for word in words)
    ]
    with (
        tempfile.TemporaryDirectory() as folder,
        anvil(Path(folder), block_seconds=None, caps_transactions=True) as chain,
    ):
        w3 = Web3(Web3.HTTPProvider(chain.url))
        w3.eth.default_account = w3.eth.accounts[0]
        court = Court.open(L1(w3))
        return [Proven(case, court.prove(case.make())) for case in chosen]


def dearest(proven: Iterable[Proven]) -> dict[str, Proven]:
    """Of every kind the case that takes the most gas."""
    found: dict[str, Proven] = {}
    for one in proven:
        kind = kind_of(one.case)
        if kind not in found or one.verdict.gas > found[kind].verdict.gas:
            found[kind] = one
    return found


@click.command()
@click.argument("words", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every case, not the dearest of each kind.")
def main(words: tuple[str, ...], every: bool) -> None:
    """Measure what steps cost on L1; with WORDS, only cases whose names contain one."""
    proven = prove(words)
    chosen = proven if every else list(dearest(proven).values())
    print_table(
        f"DisputeGame.step, at most {CALLDATA_BYTES_MAX:,} bytes and {STEP_GAS_MAX:,} gas",
        ("step", "the dearest case", "witness bytes", "calldata bytes", "gas"),
        [_row(one) for one in chosen],
        command="./scripts/bench steps",
        names=2,
    )


def _row(one: Proven) -> list[str]:
    step, what = one.case.name.split(": ", 1)
    verdict = one.verdict
    return [
        step,
        what,
        f"{verdict.witness_bytes:,}",
        f"{verdict.calldata_bytes:,}",
        f"{verdict.gas:,}",
    ]


if __name__ == "__main__":
    main()
