"""Questions to the clearing house after a block."""

from collections.abc import Callable
from typing import TypeVar

from execution.margin.calls import HouseCalls
from execution.transition import context_of
from node.limits import RPC_CALL_GAS_MAX
from node.rpc.backend import Backend
from state.blocks import Header
from state.types import Gas

T = TypeVar("T")


async def ask_house(backend: Backend, header: Header, question: Callable[[HouseCalls], T]) -> T:
    """Put a question to the house after a block, in a thread for the EVM."""

    def work() -> T:
        context = context_of(header, backend.config, backend.ancestor)
        state = backend.store.state(header.number)
        return question(HouseCalls(state, context, backend.config.rules, Gas(RPC_CALL_GAS_MAX)))

    return await backend.evm.run(work)
