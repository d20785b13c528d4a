"""`tallystick verify`: a check that could check nothing must not look like one that went well."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result

from node.cli.exit_codes import EXIT_NOTHING, EXIT_OK, EXIT_USAGE
from tests.bridge.conftest import Anvil
from tests.bridge.dispute.conftest import built
from tests.bridge.dispute.l1_disputes import court_on
from tests.node.cli.run import run

__all__ = ["built"]

pytestmark = pytest.mark.slow

LAST = 3
"""The newest block that the L1 of `built` determines."""


@pytest.fixture(scope="module")
def unposted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Anvil, Path]]:
    """A rollup of which L1 has the contracts and nothing more."""
    anvil, folder = Anvil(), tmp_path_factory.mktemp("unposted")

    async def deploy() -> None:
        async with court_on(anvil, folder):
            pass

    asyncio.run(asyncio.wait_for(deploy(), timeout=240))
    yield anvil, folder
    anvil.remove()


def verify(rollup: tuple[Anvil, Path], *options: str) -> Result:
    anvil, folder = rollup
    return run(
        "verify", "--l1-rpc", anvil.url, "--deployment", folder / "deployment.json", *options
    )


def test_l1_without_a_batch_is_told_and_has_an_exit_code_of_its_own(
    unposted: tuple[Anvil, Path],
) -> None:
    done = verify(unposted)
    assert done.exit_code == EXIT_NOTHING, done.exception
    assert done.stderr == "L1 holds no batch yet: nothing to verify.\n"

    program = verify(unposted, "--json")
    assert program.exit_code == EXIT_NOTHING
    assert json.loads(program.stdout) == []


def test_all_blocks_are_verified_without_being_named(built: tuple[Anvil, Path]) -> None:
    done = verify(built, "--json")

    assert done.exit_code == EXIT_OK, done.exception
    assert [block["number"] for block in json.loads(done.stdout)] == [1, 2, LAST]
    assert not done.stderr


@pytest.mark.parametrize(
    ("options", "verified", "words"),
    [
        (("--to", "9"), [1, 2, LAST], "those from there to 9 are not verified"),
        (("--from", "9"), [], "no block 9 to verify yet"),
    ],
)
def test_block_that_l1_does_not_have_yet_is_not_passed_over(
    built: tuple[Anvil, Path], options: tuple[str, ...], verified: list[int], words: str
) -> None:
    done = verify(built, "--json", *options)

    assert done.exit_code == EXIT_NOTHING, done.exception
    assert [block["number"] for block in json.loads(done.stdout)] == verified
    assert words in done.stderr


@pytest.mark.parametrize("options", [("--from", "3", "--to", "2"), ("--from", "0")])
def test_blocks_that_are_none_are_a_usage_error(options: tuple[str, ...]) -> None:
    assert run("verify", *options).exit_code == EXIT_USAGE
