"""Options of a node's network."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from node.cli.options import with_options
from node.cli.parameters import AddressType
from node.p2p.settings import P2PSettings
from state.types import Address

R = TypeVar("R")

_FILE = click.Path(dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class P2POptions:
    """What `p2p_options` collects."""

    p2p_host: str
    p2p_port: int | None
    p2p_key_file: Path | None
    bootnode: tuple[str, ...]
    sequencer_address: Address | None
    block_key_file: Path | None

    def settings(self) -> P2PSettings | None:
        """The settings; None where neither a port nor a bootnode was given.

        Raises `InvalidAddress`.
        """
        if self.p2p_port is None and not self.bootnode:
            return None
        return P2PSettings(
            host=self.p2p_host,
            port=self.p2p_port or 0,
            bootnodes=self.bootnode,
            key_file=self.p2p_key_file,
            sequencer=self.sequencer_address,
            block_key=self.block_key_file,
        )


def p2p_options(command: Callable[..., R]) -> Callable[..., R]:
    """Where peers are and who may sign blocks, passed on as `p2p`."""
    options = (
        click.option(
            "--bootnode", multiple=True, metavar="MULTIADDR",
            help="A peer to find the others by, as a sequencer prints it. Repeatable.",
        ),
        click.option("--p2p-host", default="127.0.0.1", help="IP address that peers connect to."),
        click.option(
            "--p2p-port", type=click.IntRange(0, 65535), show_default="no network; any free port"
            " with --bootnode", help="TCP port that peers connect to.",
        ),
        click.option(
            "--p2p-key-file", type=_FILE, show_default="p2p.key in the data folder",
            help="Key that names this peer: 64 hex digits; made if the file isn't there.",
        ),
        click.option(
            "--sequencer-address", type=AddressType(), show_default="who may post batches",
            help="Who signs blocks.",
        ),
        click.option(
            "--block-key-file", type=_FILE, show_default="the key that posts batches",
            help="Key that a sequencer signs blocks with.",
        ),
    )  # fmt: skip
    names = P2POptions.__dataclass_fields__

    @wraps(command)
    def with_p2p(**given: Any) -> R:
        p2p = P2POptions(**{name: given.pop(name) for name in names})
        return command(p2p=p2p, **given)

    return with_options(with_p2p, options)
