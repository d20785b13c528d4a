"""A small chain of the embedded L1 on disk, with transfers in its blocks."""

from pathlib import Path

from execution.attributes import BlockAttributes
from execution.signing import UnsignedTransaction, sign
from genesis.accounts import dev_accounts
from genesis.networks import L1_DEVNET_CHAIN_ID
from node.roles.l1 import heads_at, open_l1
from state.blocks import BlockId
from state.clock import ManualClock
from state.keccak import keccak
from state.types import Address, Gas, Wei

BEGAN = 1_700_000_000
BLOCKS = 12
GWEI = 10**9


def make_chain(folder: Path, blocks: int = BLOCKS) -> None:
    """Blocks with a transfer each, as the embedded L1 writes them."""
    folder.mkdir(parents=True, exist_ok=True)
    clock = ManualClock(BEGAN)
    chain = open_l1(folder, clock)
    try:
        for nonce in range(blocks):
            clock.advance(1)
            chain.mempool.add(_transfer(nonce))
            attributes = BlockAttributes(
                timestamp=clock.now(),
                prev_randao=keccak(bytes([nonce])),
                coinbase=chain.config.coinbase,
                gas_limit=chain.config.block_gas_limit,
            )
            result = chain.build(attributes)
            head = BlockId(result.sealed.header.number, result.sealed.hash)
            chain.append(
                result, lambda batch, head=head: batch.set_heads(heads_at(chain.store, head))
            )
    finally:
        chain.close()


def _transfer(nonce: int) -> bytes:
    fields = UnsignedTransaction(
        nonce=nonce,
        gas=Gas(21_000),
        to=Address(bytes([nonce + 1]) * 20),
        value=Wei(1),
        max_fee_per_gas=Wei(20 * GWEI),
        max_priority_fee_per_gas=Wei(GWEI),
    )
    return sign(fields, dev_accounts()[0].key, L1_DEVNET_CHAIN_ID)
