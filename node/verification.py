"""Re-derives a chain from L1 alone and compares it with what others say about it.

Nothing is taken from the node under test but its answers: derivation starts at genesis, in memory.
"""

from dataclasses import dataclass

from bridge.deployment import Deployment
from bridge.games import Game, GameStatus, newest_games
from bridge.l1.client import L1Client
from bridge.l1.contracts import l1_errors
from bridge.l1.rpc import RpcClient
from node.derived import Progress
from node.probe import RpcProbe
from node.roles.follower import Follower, open_l2
from state.clock import SystemClock
from state.errors import Unavailable
from state.types import BlockNumber, Hash32


@dataclass(frozen=True, slots=True)
class VerifiedBlock:
    """One block as L1 determines it, and what others say of it."""

    number: BlockNumber
    hash: Hash32
    state_root: Hash32
    output_root: Hash32
    batch_item: int
    transactions: int
    node_hash: Hash32 | None
    """The hash the node under test gives; None when none was asked or it has no such block."""
    game: Game | None
    """The newest proposal for this block on L1."""

    @property
    def node_agrees(self) -> bool:
        return self.node_hash is None or self.node_hash == self.hash

    @property
    def proposal_agrees(self) -> bool:
        return self.game is None or self.game.root_claim == self.output_root

    @property
    def is_right(self) -> bool:
        """Whether nobody contradicts what L1 determines, or who did has lost the game."""
        refuted = self.game is not None and self.game.status is GameStatus.CHALLENGER_WINS
        return self.node_agrees and (self.proposal_agrees or refuted)


@dataclass(frozen=True, slots=True)
class Verification:
    """What L1 determines of the blocks that were asked for."""

    blocks: tuple[VerifiedBlock, ...]
    newest: BlockNumber
    """The last block that L1 determines at all; 0, the genesis, while it holds no batch."""

    @property
    def wrong(self) -> tuple[VerifiedBlock, ...]:
        """Blocks of which somebody says something else."""
        return tuple(block for block in self.blocks if not block.is_right)


async def verify(
    deployment: Deployment,
    l1_url: str,
    node_url: str | None,
    first: BlockNumber,
    last: BlockNumber | None,
    progress: Progress,
) -> Verification:
    """Derive the chain from L1 and compare blocks `first`..`last` (None: as far as L1 goes).

    Raises `Unavailable` when an endpoint doesn't answer.
    """
    chain = open_l2(None, deployment, SystemClock())
    try:
        async with RpcClient(l1_url) as rpc:
            client = L1Client(rpc, chain_id=deployment.l1_chain_id, errors=l1_errors())
            follower = Follower.over(chain, client, deployment)
            await _derive(follower, progress)
            games = await _games(client, deployment)
        newest = chain.store.heads.safe.number
        numbers = range(first, min(newest if last is None else last, newest) + 1)
        answers = await _node_hashes(node_url, numbers)
        compared = (
            _compare(follower, BlockNumber(number), answers.get(number), games.get(number))
            for number in numbers
        )
        return Verification(tuple(compared), newest)
    finally:
        chain.close()


async def _derive(follower: Follower, progress: Progress) -> None:
    """Read the whole inbox as L1 has it now, and derive it."""
    complete = False
    while not complete:
        seen = await follower.watcher.poll()
        complete = seen.is_complete
        waiting = False
        while not waiting:
            step = await follower.chain.write(lambda: follower.pipeline.advance(64))
            waiting = step.waiting
            progress(follower.chain.store.heads.safe.number, follower.log.count)


async def _games(client: L1Client, deployment: Deployment) -> dict[int, Game]:
    """The newest game of each block."""
    head = await client.header()
    found: dict[int, Game] = {}
    async for game in newest_games(client, deployment.rollup, at=head.hash):
        found.setdefault(game.l2_block, game)
    return found


async def _node_hashes(url: str | None, numbers: range) -> dict[int, Hash32]:
    if url is None:
        return {}
    probe = RpcProbe()
    try:
        found = {}
        for number in numbers:
            block = await probe.call(url, "eth_getBlockByNumber", hex(number), False)
            if block is None:
                raise Unavailable(f"{url} has no block {number}, though L1 determines it")
            found[number] = Hash32(bytes.fromhex(block["hash"][2:]))
        return found
    finally:
        await probe.close()


def _compare(
    follower: Follower, number: BlockNumber, node_hash: Hash32 | None, game: Game | None
) -> VerifiedBlock:
    view, store = follower.pipeline.view, follower.chain.store
    block, derived = store.block(number), view.derived(number)
    if block is None or derived is None:
        raise Unavailable(f"block {number} is not derived")
    return VerifiedBlock(
        number=number,
        hash=block.hash,
        state_root=block.header.state_root,
        output_root=derived.output_root,
        batch_item=derived.item.index,
        transactions=len(block.transactions),
        node_hash=node_hash,
        game=game,
    )
