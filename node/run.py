"""One node's process: its chain and its loops behind one listening socket, until it is stopped.

A node of a devnet may go through several states of its chain while its clients stay connected
(`node/powers/link.py`); any other has one.
"""

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

from node.conditions import Conditions
from node.powers.link import NodeLink
from node.roles.pace import Pace
from node.rpc.access import is_loopback
from node.rpc.api import build_app
from node.rpc.app import RpcApp
from node.rpc.powers.info import InfoMethods
from node.rpc.server import RpcServer
from node.service.opening import opened
from node.service.running import RunningNode
from node.settings import NodeSettings
from state.clock import SystemClock

log = logging.getLogger("tallystick.node")


async def run_node(
    settings: NodeSettings, *, stop_with_parent: bool = False, has_powers: bool = False
) -> None:
    """Run a node until a signal, or until its standard input closes if `stop_with_parent`.

    With `has_powers` that input is the channel to a devnet, whose powers the node then answers, but
    on a loopback address only. Raises `InternalError` when the node had to halt, and `Invalid*` for
    settings that can't work.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    if has_powers and is_loopback(settings.rpc_host):
        async with NodeLink.joined(settings) as link:
            orphaned = asyncio.create_task(_stop_when_alone(link, stopping))
            try:
                await _run_generations(settings, stopping, link)
            finally:
                orphaned.cancel()
    else:
        if stop_with_parent or has_powers:
            loop.add_reader(sys.stdin.fileno(), stopping.set)
        conditions = Conditions(SystemClock(), Pace(settings.block_seconds))
        async with opened(settings, conditions) as node, _served(settings, node, _app(node)):
            await _run_loops(node, stopping.wait())
    log.info("stopped")


async def _stop_when_alone(link: NodeLink, stopping: asyncio.Event) -> None:
    await link.wait_alone()
    stopping.set()


async def _run_generations(settings: NodeSettings, stopping: asyncio.Event, link: NodeLink) -> None:
    """Run one state of the chain after the other, with the same server."""
    app: RpcApp | None = None
    async with contextlib.AsyncExitStack() as serving:
        while not stopping.is_set():
            async with opened(settings, link.conditions) as node:
                opened_app = _app(node, *link.namespaces(), InfoMethods(node.backend, link.ask))
                link.open_gate(opened_app.dispatcher)
                if app is None:
                    app = opened_app
                    await serving.enter_async_context(_served(settings, node, app))
                else:
                    app.become(opened_app)
                try:
                    await _run_loops(node, stopping.wait(), link.attend(node))
                finally:
                    if not link.is_leaving:
                        # Nobody asks a chain that is closed for good.
                        await serving.aclose()
                    node.backend.evm.close()
            if not stopping.is_set():
                await _first(stopping.wait(), link.wait_reopening())


def _app(node: RunningNode, *namespaces: object) -> RpcApp:
    app = build_app(
        node.backend,
        on_fault=node.report_fault,
        health=node.health,
        readiness=node.readiness,
        metrics=node.metrics.text,
        meter=node.metrics.meter,
        extra=(*node.namespaces(), *namespaces),
    )
    if node.membership is not None:
        node.membership.answer_with(app.dispatcher.answer)
    return app


@contextlib.asynccontextmanager
async def _served(settings: NodeSettings, node: RunningNode, app: RpcApp) -> AsyncIterator[None]:
    server = RpcServer(app, settings.rpc_host, settings.rpc_port)
    await server.start()
    log.info("%s of chain %d answers at %s", settings.role, node.chain.config.chain_id, server.url)
    try:
        yield
    finally:
        await server.stop()


async def _first(*waits: Any) -> None:
    """Wait for the first of several, and end the others. Raises what it raised."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for finished in done:
            finished.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run_loops(node: RunningNode, *endings: Any) -> None:
    """Run the role's loops until one of `endings`; an error in one ends all and is raised."""
    node.chain.feed.follow_pool(node.chain.mempool)
    await _first(*node.loops, *endings, node.fault)
