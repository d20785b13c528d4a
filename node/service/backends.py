"""What a node's JSON-RPC reads and sends by."""

from execution.evm.engine import Evm
from execution.evm.lanes import SIMULATING
from execution.evm.threads import DeepExecutor
from genesis.accounts import dev_accounts
from node.chain import Chain
from node.console import listening_to_calls
from node.history.history import AddressHistory
from node.limits import EVM_THREADS
from node.p2p.membership import Membership
from node.powers.sandbox import PosingAccounts
from node.rpc.backend import CLIENT_VERSION, Backend, Rollup
from node.rpc.eth.signers import NoSigners, Signers, UnlockedAccounts
from node.rpc.evm_work import EvmWork
from node.rpc.pending import PendingBlocks, Plan
from state.errors import Unavailable
from state.types import Hash32


class NotSequencer(Unavailable):
    """A verifier without peers was given a transaction; it has no pool."""


def backend_of(
    chain: Chain,
    plan: Plan,
    history: AddressHistory,
    *,
    unlocked: bool,
    rollup: Rollup | None = None,
    has_pool: bool = True,
    membership: Membership | None = None,
) -> Backend:
    """What the methods read and send by. `plan` is what the next block of the chain is like.

    Whoever asks may send for the dev accounts where they are `unlocked`; a node that `has_pool`
    takes transactions itself, and another one leads them to the sequencer through its peers.
    """
    evm = EvmWork(DeepExecutor(EVM_THREADS, SIMULATING))
    mempool = chain.mempool if has_pool else None
    submit = chain.submit
    if not has_pool:
        forwarder = membership.forwarder if membership is not None else None
        submit = forwarder.submit if forwarder is not None else _refuse
    return Backend(
        store=chain.store,
        config=chain.config,
        feed=chain.feed,
        evm=evm,
        submit=submit,
        history=history,
        mempool=mempool,
        rollup=rollup,
        peers=membership.peers if membership is not None else int,
        client_version=CLIENT_VERSION if chain.sandbox is None else f"{CLIENT_VERSION}/sandbox",
        signers=_unlocked(chain) if unlocked and has_pool else NoSigners(),
        pending=PendingBlocks(chain.store, chain.config, mempool, chain.clock, evm, plan),
        call_engine=listening_to_calls if unlocked else lambda: Evm,
    )


def _unlocked(chain: Chain) -> Signers:
    """On a devnet, whoever asks may send for the accounts whose keys everybody knows."""
    chain_id = chain.config.chain_id
    if chain.sandbox is not None:
        return PosingAccounts(dev_accounts(), chain_id, chain.sandbox)
    return UnlockedAccounts(dev_accounts(), chain_id)


async def _refuse(raw: bytes) -> Hash32:
    raise NotSequencer("this node only verifies: send transactions to the sequencer")
