"""The rollup: its deployment file, its L1, and the nodes of a devnet that runs."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from bridge.deployment import Deployment, l2_genesis, load_deployment
from bridge.l1.client import L1Client
from bridge.l1.deploy import check_deployment
from bridge.l1.rpc import RpcClient, endpoint_name
from node.doctor.findings import Finding, failed, ok, warning
from node.doctor.limits import (
    ANSWER_SECONDS_MAX,
    ANSWER_SECONDS_WARNING,
    CLOCK_AHEAD_SECONDS_MAX,
    L1_AGE_SECONDS_WARNING,
)
from node.probe import RpcProbe
from state.clock import Clock
from state.errors import TallystickError, Unavailable


def examine_deployment(path: Path) -> tuple[Deployment | None, list[Finding]]:
    """The deployment file, and whether this version builds the L2 that it names."""
    try:
        found = load_deployment(path)
        l2_genesis(found)
    except TallystickError as error:
        return None, [failed("deployment", str(error), f"correct {path}, or deploy anew")]
    chains = f"L2 {found.l2_chain_id} on L1 {found.l1_chain_id}"
    return found, [ok("deployment", f"{chains}; this version builds its genesis")]


async def examine_l1(
    url: str, deployment: Deployment | None, clock: Clock, *, is_devnet: bool
) -> AsyncIterator[Finding]:
    """Whether L1 answers, is the right one, and has the time that we have."""
    name = endpoint_name(url)
    async with RpcClient(url, timeout_seconds=ANSWER_SECONDS_MAX) as rpc:
        try:
            client = L1Client(rpc, chain_id=deployment.l1_chain_id if deployment else 0)
            if deployment is not None:
                await check_deployment(client, deployment)
            began = clock.monotonic()
            header = await client.header()
        except Unavailable as error:
            yield failed("L1", str(error), "start it, or correct --l1-rpc")
            return
        except TallystickError as error:
            yield failed("L1", str(error), "name the right L1 with --l1-rpc, or the right file")
            return
    contracts = "" if deployment is None else ", with the rollup's contracts"
    what = f"{name} answers, at block {header.number}{contracts}"
    yield examine_answer("L1", what, clock.monotonic() - began)
    yield examine_clock(header.timestamp - clock.now(), is_devnet=is_devnet)


def examine_answer(subject: str, what: str, seconds: float) -> Finding:
    """An answer that took so long."""
    if seconds <= ANSWER_SECONDS_WARNING:
        return ok(subject, what)
    remedy = "give its machine less to do: clients that wait for less will say that it is silent"
    return warning(subject, f"{what}, after {seconds:.0f} s", remedy)


def examine_clock(ahead: int, *, is_devnet: bool) -> Finding:
    """`ahead`: seconds that L1's newest block is ahead of our clock; a devnet's may be moved."""
    if ahead > CLOCK_AHEAD_SECONDS_MAX and is_devnet:
        return ok("clock", f"the devnet's is {ahead:,} s ahead of this machine's: it was moved")
    if ahead > CLOCK_AHEAD_SECONDS_MAX:
        remedy = "set this machine's clock, for example by NTP"
        return failed("clock", f"{ahead} s behind L1", remedy)
    if -ahead > L1_AGE_SECONDS_WARNING:
        return warning(
            "clock", f"L1's newest block is {-ahead:,} s old",
            "set this machine's clock if it is ahead, else see why L1 makes no blocks",
        )  # fmt: skip
    return ok("clock", f"within {abs(ahead)} s of L1's newest block")


async def examine_nodes(manifest: Mapping[str, Any], clock: Clock) -> AsyncIterator[Finding]:
    """The nodes of a running devnet."""
    named = {name: manifest[name] for name in ("sequencer", "verifier")}
    urls = {name: url for name, url in named.items() if url is not None}
    urls |= {f"replica {index}": url for index, url in enumerate(manifest.get("replicas", ()))}
    probe = RpcProbe(ANSWER_SECONDS_MAX)
    try:
        for name, url in urls.items():
            try:
                began = clock.monotonic()
                block = int(await probe.call(url, "eth_blockNumber"), 16)
                what = f"{url} answers, at block {block}"
                yield examine_answer(name, what, clock.monotonic() - began)
            except TallystickError as error:
                yield failed(name, str(error), f"look into {name}.log in the devnet's folder")
    finally:
        await probe.close()
