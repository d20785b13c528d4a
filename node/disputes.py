"""Finding the games that a person names."""

from bridge import limits
from bridge.dispute.reader import Dispute, read_dispute
from bridge.l1 import contracts, wire
from bridge.l1.client import L1Client
from state.errors import Invalid
from state.types import Address


class UnknownGame(Invalid):
    """No game of the rollup is called that."""


async def find_game(client: L1Client, rollup: Address, name: str) -> Address:
    """The address of a game by its index or address. Raises `UnknownGame`: ether is sent to games,
    so an address must be one that the Rollup itself created."""
    (count,) = await client.call(rollup, contracts.GAME_COUNT)
    if name.isascii() and name.isdigit():
        if int(name) >= count:
            raise UnknownGame(f"the Rollup has {count} games, numbered from 0: there is no {name}")
        return await _game_at(client, rollup, int(name))
    for index in reversed(range(max(0, count - limits.GAMES_SCANNED_MAX), count)):
        address = await _game_at(client, rollup, index)
        if name.lower() == wire.to_data(address):
            return address
    raise UnknownGame(
        f"{name:.80} is no game of this Rollup: give an address or an index that"
        " `tallystick dispute list` shows"
    )


async def find_dispute(
    client: L1Client, rollup: Address, name: str, account: Address | None = None
) -> Dispute:
    """A game as it stands now, and what it owes `account`. Raises `UnknownGame`."""
    await client.check_chain()
    address = await find_game(client, rollup, name)
    return await read_dispute(client, address, account, await client.header())


async def _game_at(client: L1Client, rollup: Address, index: int) -> Address:
    (address,) = await client.call(rollup, contracts.GAME_AT, index)
    return wire.address(address, "gameAt")
