"""`tallystick trace`: what a transaction did, call by call, in names."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from bridge.l1 import wire
from bridge.l1.errors import L1RequestRefused
from bridge.l1.rpc import RpcClient
from node.cli import output
from node.cli.network import Network, network_options
from node.cli.options import json_option
from node.cli.progress import waiting
from node.cli.trace_tree import trace_json, trace_lines
from node.decoding.book import AddressBook, know_dev_accounts, l1_book, l2_book
from node.decoding.limits import TRACE_ADDRESSES_MAX, TRACE_DEPTH_MAX, TRACE_SECONDS_MAX
from node.decoding.sources import InvalidArtifact, Source, read_folder, read_source
from node.decoding.trace import TracedCall, parse_trace
from node.known_contracts import LayerName
from state.errors import Invalid
from state.types import Address, Hash32

ABIS_FOLDER: Final = "abis"
"""In a devnet's data folder: artifacts that are tried on every unknown contract."""

_TRACER: Final = {"tracer": "callTracer", "tracerConfig": {"withLog": True}, "timeout": "25s"}


class TransactionNotFound(Invalid):
    """No mined transaction of that hash where it was looked for."""


class AbiFile(click.ParamType[tuple[Address, Path]]):
    """ADDRESS=FILE."""

    name = "ADDRESS=FILE"

    def convert(
        self,
        value: str | tuple[Address, Path],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[Address, Path]:
        """The address and the file; a usage error for anything else."""
        if isinstance(value, tuple):
            return value
        text, _, path = value.partition("=")
        try:
            raw = bytes.fromhex(text.removeprefix("0x"))
        except ValueError:
            raw = b""
        if len(raw) != 20 or not path:
            self.fail(f"{value!r:.80} is not ADDRESS=FILE", param, ctx)
        return Address(raw), Path(path)


@dataclass(frozen=True, slots=True)
class Traced:
    """A transaction's calls, and where it is."""

    layer: LayerName
    block_number: int
    root: TracedCall


@click.command(short_help="What a transaction did, in names.")
@click.argument("tx", metavar="TX")
@network_options
@click.option(
    "--layer", type=click.Choice([str(one) for one in LayerName]),
    help="Where to look; L2 first, then L1, by default.",
)  # fmt: skip
@click.option(
    "--abi", "abis", type=AbiFile(), multiple=True,
    help="An artifact of the contract at ADDRESS, checked against its code; may be repeated.",
)  # fmt: skip
@click.option(
    "--artifacts", type=click.Path(exists=True, file_okay=False, path_type=Path), multiple=True,
    help="A folder of artifacts (Foundry's out/, Hardhat's artifacts/), tried on unknown contracts;"
    " may be repeated.  [default: abis/ in the devnet's data folder]",
)  # fmt: skip
@json_option
def trace(
    tx: str,
    network: Network,
    layer: str | None,
    abis: tuple[tuple[Address, Path], ...],
    artifacts: tuple[Path, ...],
    as_json: bool,
) -> None:
    """What the transaction TX did: its calls with names, arguments, events, gas and reverts.

    The contracts of the rollup are known, and so are functions of common standards. For others give
    artifacts of your compiler: one is believed where its code is the contract's, metadata and
    immutables aside.
    """
    transaction_hash = _parse_hash(tx)
    named = [(address, read_source(path)) for address, path in abis]
    sources = [source for folder in _folders(network, artifacts) for source in read_folder(folder)]
    with waiting("Tracing the transaction"):
        traced, book = asyncio.run(_trace(network, transaction_hash, layer, named, sources))
    if as_json:
        found = {"hash": tx, "layer": traced.layer, "block": traced.block_number}
        click.echo(json.dumps({**found, "trace": trace_json(traced.root, book)}, indent=2))
        return
    console = output.console()
    outcome = "failed" if traced.root.error is not None else "succeeded"
    console.print(f"{traced.layer.upper()} block {traced.block_number}: {outcome}, "
                  f"{traced.root.gas_used:,} gas of {traced.root.gas:,}")  # fmt: skip
    for line in trace_lines(traced.root, book):
        console.print(line, soft_wrap=True)


def _parse_hash(text: str) -> Hash32:
    try:
        raw = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise click.BadParameter("a transaction's hash has 64 hexadecimal digits", param_hint="TX")
    return Hash32(raw)


def _folders(network: Network, given: Sequence[Path]) -> Sequence[Path]:
    if given or not network.is_devnet or network.deployment_file is None:
        return given
    default = network.deployment_file.parent / ABIS_FOLDER
    return (default,) if default.is_dir() else ()


async def _trace(
    network: Network,
    transaction_hash: Hash32,
    layer: str | None,
    named: Sequence[tuple[Address, Source]],
    sources: Sequence[Source],
) -> tuple[Traced, AddressBook]:
    looked: list[str] = []
    for name, url in _endpoints(network, layer):
        looked.append(str(name).upper())
        async with _connect(url) as rpc:
            traced = await _traced(rpc, name, transaction_hash)
            if traced is not None:
                book = _book(network, name)
                await _know_sources(rpc, traced, book, named, sources)
                return traced, book
    raise TransactionNotFound(
        f"no block of {' or '.join(looked)} has a transaction {wire.to_data(transaction_hash)}:"
        " check the hash, and that the transaction is mined"
    )


def _endpoints(network: Network, layer: str | None) -> list[tuple[LayerName, str]]:
    known = [(LayerName.L2, network.l2_url)]
    if network.l1_url is not None:
        known.append((LayerName.L1, network.l1_url))
    chosen = [one for one in known if layer in (None, one[0])]
    if not chosen:
        raise click.UsageError("where is L1? give it with --l1-rpc")
    return chosen


def _connect(url: str) -> RpcClient:
    return RpcClient(url, timeout_seconds=TRACE_SECONDS_MAX, depth_max=TRACE_DEPTH_MAX)


async def _traced(rpc: RpcClient, layer: LayerName, transaction_hash: Hash32) -> Traced | None:
    """The trace; None where the chain doesn't have the transaction."""
    hash_ = wire.to_data(transaction_hash)
    receipt = await rpc.request("eth_getTransactionReceipt", hash_)
    if receipt is None:
        return None
    number = wire.quantity(wire.object_(receipt, "a receipt").get("blockNumber"), "blockNumber")
    try:
        answer = await rpc.request("debug_traceTransaction", hash_, _TRACER)
    except L1RequestRefused as error:
        raise Invalid(f"{rpc.name} doesn't trace the transaction: {error}") from None
    return Traced(layer, number, parse_trace(answer))


def _book(network: Network, layer: LayerName) -> AddressBook:
    if layer is LayerName.L2:
        book = l2_book()
    elif network.deployment_file is not None:
        book = l1_book(network.deployment())
    else:
        book = AddressBook()
    if network.is_devnet:
        know_dev_accounts(book)
    return book


async def _know_sources(
    rpc: RpcClient,
    traced: Traced,
    book: AddressBook,
    named: Sequence[tuple[Address, Source]],
    sources: Sequence[Source],
) -> None:
    """Find the sources of the trace's contracts. Raises `InvalidArtifact` for a wrong one."""
    block = wire.to_quantity(traced.block_number)

    async def code(address: Address) -> bytes:
        answer = await rpc.request("eth_getCode", wire.to_data(address), block)
        return wire.data(answer, "the code")

    for address, source in named:
        if source.code is None:
            click.echo(f"Note: the ABI for {wire.to_data(address)} comes without code: it is taken"
                       " as it is, unverified", err=True)  # fmt: skip
        elif not source.is_code_of(await code(address)):
            raise InvalidArtifact(
                f"{source.name} is not what is at {wire.to_data(address)}: its code differs."
                " Compile the sources it was deployed from, with the same compiler and settings"
            )
        book.know(address, source.name, source.abi)
    unknown = [address for address in traced.root.addresses() if not book.is_known(address)]
    for address in unknown[:TRACE_ADDRESSES_MAX] if sources else ():
        book.match(address, await code(address), sources)
    book.learn_proxies(traced.root)
