"""Options of keepers, wherever they run: in a node, by themselves, on a devnet."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from bridge.l1.accounts import Operator
from genesis.accounts import operator_accounts
from node.cli.options import with_options
from node.keepers.reports import OracleKey
from node.keepers.settings import CrewSettings, Duty

R = TypeVar("R")

_FILE = click.Path(dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class KeeperOptions:
    """What `keeper_options` collects."""

    signer_key_file: tuple[Path, ...]
    peer_reports: tuple[Path, ...]
    publish_reports: Path | None
    feed: str | None
    price_seed: int
    price_file: Path | None
    orders: Path | None
    watch: tuple[int, ...]

    def crew(
        self,
        duties: tuple[Duty, ...],
        rpc_url: str,
        chain_id: int,
        account: Operator | None,
        *,
        dev: bool,
    ) -> CrewSettings:
        """The settings of a crew; `dev` signs prices and transactions with a devnet's accounts.

        Raises `InvalidKeepers` and `InvalidKey`.
        """
        signers = tuple(OracleKey.from_file(path) for path in self.signer_key_file)
        if dev:
            operators = operator_accounts()
            signers = signers or (OracleKey.of_dev_account(operators.oracle),)
            account = account or Operator.of_dev_account(operators.keeper)
        return CrewSettings(
            duties=duties,
            rpc_url=rpc_url,
            chain_id=chain_id,
            account=account,
            signers=signers,
            peers=self.peer_reports,
            publish=self.publish_reports,
            feed=self.feed,
            price_seed=self.price_seed,
            price_file=self.price_file,
            orders=self.orders,
            watched=frozenset(self.watch),
        )


def keeper_options(command: Callable[..., R]) -> Callable[..., R]:
    """What keepers report and know, passed on as `keeper`."""
    options = (
        click.option(
            "--signer-key-file", type=_FILE, multiple=True,
            help="Key of an oracle signer: 64 hex digits, readable by you alone. Repeatable.",
        ),
        click.option(
            "--peer-reports", type=_FILE, multiple=True,
            help="File in which another signer publishes its reports. Repeatable.",
        ),
        click.option(
            "--publish-reports", type=_FILE, help="Write own signed reports to this file."
        ),
        click.option(
            "--feed", metavar="FEED", show_default="the seeded process",
            help="Where prices come from: a URL, exec:COMMAND, or a JSON file.",
        ),
        click.option("--price-seed", type=int, default=1, help="Seed of the price process."),
        click.option(
            "--price-file", type=_FILE,
            help="While there is this file, its prices take the place of the feed's.",
        ),
        click.option(
            "--orders", type=_FILE,
            help="File of signed orders that liquidations are filled with, before the backstop.",
        ),
        click.option(
            "--watch", type=click.IntRange(64), multiple=True, metavar="SERIES",
            help="Option series to keep priced though nobody holds it. Repeatable.",
        ),
    )  # fmt: skip
    names = KeeperOptions.__dataclass_fields__

    @wraps(command)
    def with_keeper(**given: Any) -> R:
        keeper = KeeperOptions(**{name: given.pop(name) for name in names})
        return command(keeper=keeper, **given)

    return with_options(with_keeper, options)
