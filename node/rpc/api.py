"""All namespaces of a node, put together."""

from collections.abc import Callable

from genesis.config import Layer
from node.dashboard import packaged_site
from node.health import Health
from node.rpc.access import AccessPolicy
from node.rpc.app import RpcApp
from node.rpc.backend import Backend
from node.rpc.codec import data
from node.rpc.debug.raw import RawMethods
from node.rpc.debug.state_diff import ReplayMethods
from node.rpc.debug.traces import TraceMethods
from node.rpc.dispatch import Dispatcher, registry
from node.rpc.eth.accounts import AccountMethods
from node.rpc.eth.blocks import BlockMethods
from node.rpc.eth.calls import CallMethods
from node.rpc.eth.chain import ChainMethods
from node.rpc.eth.config import ConfigMethods
from node.rpc.eth.events import EventMethods
from node.rpc.eth.fees import FeeMethods
from node.rpc.eth.sending import SendingMethods
from node.rpc.eth.signing import SigningMethods
from node.rpc.eth.simulate import SimulationMethods
from node.rpc.eth.sync_sending import SyncSendingMethods
from node.rpc.eth.transactions import TransactionMethods
from node.rpc.format import Json
from node.rpc.margin import MarginMethods
from node.rpc.meter import Meter
from node.rpc.net import NetMethods
from node.rpc.ots.accounts import OtterscanAccounts
from node.rpc.ots.blocks import OtterscanBlocks
from node.rpc.ots.traces import OtterscanTraces
from node.rpc.rollup.chain import RollupMethods
from node.rpc.rollup.inbox import InboxMethods
from node.rpc.rollup.withdrawals import WithdrawalMethods
from node.rpc.txpool import TxpoolMethods
from node.rpc.web3 import Web3Methods

_NAMESPACES = (
    ChainMethods,
    ConfigMethods,
    BlockMethods,
    TransactionMethods,
    AccountMethods,
    CallMethods,
    SimulationMethods,
    SendingMethods,
    SigningMethods,
    SyncSendingMethods,
    FeeMethods,
    EventMethods,
    NetMethods,
    Web3Methods,
    TxpoolMethods,
    RawMethods,
    TraceMethods,
    ReplayMethods,
    OtterscanBlocks,
    OtterscanTraces,
    OtterscanAccounts,
)


def build_app(
    backend: Backend,
    *,
    access: AccessPolicy | None = None,
    on_fault: Callable[[BaseException], None] = lambda error: None,
    health: Callable[[], Health] | None = None,
    readiness: Callable[[], Health] | None = None,
    metrics: Callable[[], bytes] | None = None,
    meter: Meter | None = None,
    extra: tuple[object, ...] = (),
) -> RpcApp:
    """The JSON-RPC application of a chain, for `RpcServer`.

    `on_fault` hears of errors that are the node's own; an `InternalError` there is a reason to
    stop it. `metrics` is what `GET /metrics` answers. `extra` are further namespaces. By default
    the node is healthy as long as it answers.
    """
    namespaces: list[object] = [namespace(backend) for namespace in _NAMESPACES]
    if backend.config.layer is Layer.L2:
        namespaces.append(MarginMethods(backend))
    if backend.rollup is not None:
        namespaces.append(RollupMethods(backend, backend.rollup))
        namespaces.append(InboxMethods(backend))
        namespaces.append(WithdrawalMethods(backend, backend.rollup))
    return RpcApp(
        Dispatcher(registry(*namespaces, *extra), on_fault, meter),
        describe=lambda: describe(backend),
        health=health or (lambda: Health(facts=heads(backend))),
        readiness=readiness,
        access=access,
        metrics=metrics,
        site=packaged_site() if backend.rollup is not None else None,
    )


def describe(backend: Backend) -> Json:
    """What `GET /` says about the node."""
    config = backend.config
    return {
        "name": backend.client_version,
        "network": config.name,
        "layer": str(config.layer),
        "chainId": config.chain_id,
        **heads(backend),
    }


def heads(backend: Backend) -> Json:
    """The heads, in decimal for people to read."""
    now = backend.store.heads
    return {
        "block": now.unsafe.number,
        "hash": data(now.unsafe.hash),
        "safe": now.safe.number,
        "finalized": now.finalized.number,
    }
