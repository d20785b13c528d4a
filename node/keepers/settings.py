"""What keepers are told at their start, checked once."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from bridge.l1.accounts import Operator
from node.keepers.errors import InvalidKeepers
from node.keepers.reports import OracleKey


class Duty(StrEnum):
    """What keepers do, one duty each."""

    ORACLE = "oracle"
    FUNDING = "funding"
    ARRAYS = "arrays"
    LIQUIDATOR = "liquidator"
    DELEVERAGER = "deleverager"
    EXPIRY = "expiry"
    CLOSING = "closing"
    EXITS = "exits"


ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class CrewSettings:
    """What the keepers of one process are told."""

    duties: tuple[Duty, ...]
    rpc_url: str
    """Of any node of L2 that takes transactions."""
    chain_id: int
    account: Operator | None
    """Who signs and pays for transactions; only an oracle's signer can do without."""
    signers: tuple[OracleKey, ...] = ()
    peers: tuple[Path, ...] = ()
    """Files in which other signers publish their reports."""
    publish: Path | None = None
    """Where own reports are published."""
    feed: str | None = None
    """See `make_feed`; None for the seeded process."""
    price_seed: int = 1
    price_file: Path | None = None
    """While there is this file, its prices take the place of the feed's."""
    orders: Path | None = None
    """Signed orders that liquidations are filled with; see orders.py."""
    watched: frozenset[int] = frozenset()
    """Series kept ready for trading though nobody holds them."""

    def __post_init__(self) -> None:
        signs_only = self.duties == (Duty.ORACLE,) and self.publish is not None
        if self.account is None and not signs_only:
            raise InvalidKeepers(
                "keepers send transactions: give --keystore or --key-file, or --dev on a devnet;"
                " only an oracle with --publish can do without"
            )
        if Duty.ORACLE in self.duties and not (self.signers or self.peers):
            raise InvalidKeepers(
                "an oracle reporter needs signatures: give --signer-key-file or --peer-reports, or"
                " --dev on a devnet"
            )


def parse_duties(names: Iterable[str]) -> tuple[Duty, ...]:
    """Duties by name, `all` for every one. Raises `InvalidKeepers`."""
    found: dict[Duty, None] = {}
    for name in names:
        if name == ALL:
            found |= dict.fromkeys(Duty)
        elif name in tuple(Duty):
            found[Duty(name)] = None
        else:
            raise InvalidKeepers(f"{name!r:.40} is no keeper: {', '.join(Duty)}, or {ALL}")
    return tuple(duty for duty in Duty if duty in found)
