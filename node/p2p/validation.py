"""What is gossiped on: valid, fresh and new. Runs in the host, before anything reaches the node."""

from collections import Counter, OrderedDict
from collections.abc import Callable
from enum import Enum

from node.p2p.blocks import BlockDomain, decode_signed_block
from node.p2p.buckets import Buckets
from node.p2p.errors import InvalidMessage, MessageTooLarge, WrongSignature
from node.p2p.exchanges import TOPIC_METHODS, decode_call
from node.p2p.limits import BLOCK_RATE, CALL_RATE, SEEN_BLOCKS_MAX, STALE_BLOCKS
from node.p2p.scores import Offence
from node.p2p.topics import Topic
from state.keccak import keccak
from state.types import Hash32


class Verdict(Enum):
    """What becomes of a message."""

    ACCEPT = "accept"
    IGNORE = "ignore"
    """Not passed on, and nobody's fault."""
    REJECT = "reject"


class Validator:
    """Decides on gossiped messages; `blame` is told who passed on a bad one."""

    def __init__(self, domain: BlockDomain, blame: Callable[[str, Offence], None]) -> None:
        self._domain = domain
        self._blame = blame
        self._rates = {
            Topic.BLOCKS: Buckets(BLOCK_RATE),
            Topic.TRANSACTIONS: Buckets(CALL_RATE),
            Topic.ORDERS: Buckets(CALL_RATE),
        }
        self._seen: OrderedDict[Hash32, None] = OrderedDict()
        self.head = 0
        """Number of the node's newest block."""
        self.accepted: Counter[str] = Counter()
        self.ignored = 0

    def judge(self, topic: Topic, peer: str, data: bytes, now: float) -> Verdict:
        """Whether the node gets the message, and other peers."""
        if not self._rates[topic].take(peer, now):
            self._blame(peer, Offence.RATE)
            return Verdict.REJECT
        try:
            verdict = self._judged(topic, data)
        except InvalidMessage as error:
            self._blame(peer, offence_of(error))
            return Verdict.REJECT
        if verdict is Verdict.ACCEPT:
            self.accepted[topic] += 1
        else:
            self.ignored += 1
        return verdict

    def _judged(self, topic: Topic, data: bytes) -> Verdict:
        if topic is not Topic.BLOCKS:
            decode_call(data, TOPIC_METHODS[topic])
            return Verdict.ACCEPT
        # One that was seen before costs a hash.
        name = keccak(data)
        if name in self._seen:
            return Verdict.IGNORE
        block = decode_signed_block(data, self._domain)
        self._seen[name] = None
        if len(self._seen) > SEEN_BLOCKS_MAX:
            self._seen.popitem(last=False)
        is_stale = block.number + STALE_BLOCKS < self.head
        return Verdict.IGNORE if is_stale else Verdict.ACCEPT


def offence_of(error: InvalidMessage) -> Offence:
    """What a peer did that sent such a message."""
    if isinstance(error, WrongSignature):
        return Offence.FORGED
    if isinstance(error, MessageTooLarge):
        return Offence.OVERSIZE
    return Offence.MALFORMED
