"""Which logs a client wants, and finding them in the chain (execution-apis, "Filter")."""

from collections.abc import Iterable
from dataclasses import dataclass

from node import limits
from node.rpc.codec import (
    Tag,
    list_of,
    parse_address,
    parse_block_number,
    parse_hash,
    parse_object,
)
from node.rpc.errors import InvalidParams, LimitExceeded
from node.rpc.format import PlacedLog, placed_logs
from state.blocks import Log
from state.reader import ChainReader
from state.receipts import TOPICS_MAX, bloom_may_contain
from state.stored import StoredBlock
from state.types import Address, BlockNumber, Hash32

Topics = tuple[frozenset[Hash32] | None, ...]
"""By position, the topics that match; None for any."""


@dataclass(frozen=True, slots=True)
class LogMatch:
    """Which logs match, wherever they are. No addresses means any."""

    addresses: frozenset[Address] = frozenset()
    topics: Topics = ()

    def matches(self, log: Log) -> bool:
        """Whether the filter is met; a log with too few topics never meets it."""
        if self.addresses and log.address not in self.addresses:
            return False
        if len(self.topics) > len(log.topics):
            return False
        return all(
            wanted is None or topic in wanted for wanted, topic in zip(self.topics, log.topics)
        )

    def may_match(self, bloom: bytes) -> bool:
        """False only if no log under this bloom filter can match."""
        groups: list[Iterable[bytes]] = [self.addresses] if self.addresses else []
        groups += [wanted for wanted in self.topics if wanted is not None]
        return all(any(bloom_may_contain(bloom, entry) for entry in group) for group in groups)


@dataclass(frozen=True, slots=True)
class LogQuery:
    """A `LogMatch` and where to look: a range of blocks, or one block by hash."""

    match: LogMatch
    first: Tag | BlockNumber = Tag.LATEST
    last: Tag | BlockNumber = Tag.LATEST
    block_hash: Hash32 | None = None

    def covers(self, number: BlockNumber) -> bool:
        """Whether a new block is in the range; a bound that is a tag moves along with the chain."""
        return (isinstance(self.first, Tag) or self.first <= number) and (
            isinstance(self.last, Tag) or number <= self.last
        )


_parse_addresses = list_of(parse_address, limits.RPC_LOG_ADDRESSES_MAX)
_parse_alternatives = list_of(parse_hash, limits.RPC_LOG_TOPICS_MAX)


def parse_match(value: object) -> LogMatch:
    """Parse the `address` and `topics` of a filter. Raises `InvalidParams`."""
    wanted = parse_object(value)
    return LogMatch(_addresses(wanted.get("address")), _topics(wanted.get("topics")))


def parse_query(value: object) -> LogQuery:
    """Parse a whole filter. From the pending block on there is nothing but that block.

    Raises `InvalidParams`.
    """
    wanted = parse_object(value)
    match = parse_match(wanted)
    if wanted.get("blockHash") is None:
        first, last = _bound(wanted.get("fromBlock")), _bound(wanted.get("toBlock"))
        if last is None:
            last = Tag.PENDING if first is Tag.PENDING else Tag.LATEST
        return LogQuery(match, Tag.LATEST if first is None else first, last)
    if wanted.get("fromBlock") is not None or wanted.get("toBlock") is not None:
        raise InvalidParams("cannot specify both BlockHash and FromBlock/ToBlock, choose one")
    return LogQuery(match, block_hash=parse_hash(wanted["blockHash"]))


def parse_coming(value: object) -> LogQuery:
    """Parse a filter for logs of blocks to come, which are told of once they are in the chain.

    Raises `InvalidParams`.
    """
    query = parse_query(value)
    if query.block_hash is not None:
        raise InvalidParams("a filter can't be of one block: use eth_getLogs")
    if Tag.PENDING in (query.first, query.last):
        raise InvalidParams("pending logs are not supported here: use eth_getLogs")
    return query


def _bound(value: object) -> Tag | BlockNumber | None:
    return None if value is None else parse_block_number(value)


def _addresses(value: object) -> frozenset[Address]:
    if value is None:
        return frozenset()
    if isinstance(value, list):
        return frozenset(_parse_addresses(value))
    return frozenset((parse_address(value),))


def _topics(value: object) -> Topics:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise InvalidParams("topics are a list")
    if len(value) > TOPICS_MAX:
        raise InvalidParams(f"exceed max topics: a log has at most {TOPICS_MAX}")
    return tuple(_position(position) for position in value)


def _position(value: object) -> frozenset[Hash32] | None:
    if value is None:
        return None
    if isinstance(value, list):
        return frozenset(_parse_alternatives(value)) or None
    return frozenset((parse_hash(value),))


def find_logs(
    chain: ChainReader,
    match: LogMatch,
    first: BlockNumber,
    last: BlockNumber,
    pending: StoredBlock | None = None,
) -> list[PlacedLog]:
    """The matching logs of a range of blocks, in order, and of the pending block after them.

    Raises `LimitExceeded`.
    """
    if last - first >= limits.RPC_LOG_BLOCKS_MAX:
        raise LimitExceeded(
            f"query spans {last - first + 1} blocks, more than {limits.RPC_LOG_BLOCKS_MAX}:"
            " ask for fewer at a time"
        )
    found: list[PlacedLog] = []
    for number in range(first, last + 1):
        found += _find_in_chain(chain, match, BlockNumber(number))
        _check_count(found, first, number)
    if pending is not None:
        found += _find_in_block(pending, match)
        _check_count(found, first, last + 1)
    return found


def _check_count(found: list[PlacedLog], first: BlockNumber, number: int) -> None:
    """Refuse a query that found too much up to block `number`. Raises `LimitExceeded`."""
    if len(found) > limits.RPC_LOGS_MAX:
        raise LimitExceeded(
            f"query returned more than {limits.RPC_LOGS_MAX} results:"
            f" ask for blocks {first:#x} to {max(first, number - 1):#x}"
        )


def _find_in_chain(chain: ChainReader, match: LogMatch, number: BlockNumber) -> list[PlacedLog]:
    header = chain.header(number)
    if header is None or not match.may_match(header.logs_bloom):
        return []
    block = chain.block(number)
    return [] if block is None else _find_in_block(block, match)


def _find_in_block(block: StoredBlock, match: LogMatch) -> list[PlacedLog]:
    return [placed for logs in placed_logs(block) for placed in logs if match.matches(placed.log)]
