"""Every limit of the network, with its reason; sizes in bytes, times in seconds.

The library has no limits that hold against a hostile peer, so that these are ours. A sequencer
makes a block a second, of at most what a batch holds.
"""

from typing import Final

from state.limits import BATCH_POSTED_BYTES_MAX

# The host's process

HOST_ADDRESS_SPACE_BYTES: Final = 2**30
"""RLIMIT_AS of the host's process: it starts with 110 MB, and is started again when it runs out."""

HOST_START_SECONDS_MAX: Final = 30.0
"""The host answers by then, or is started again; it takes a second on a free machine."""

HOST_STOP_SECONDS_MAX: Final = 3.0
"""A host that doesn't leave by then is killed: it keeps nothing that would be lost."""

HOST_RESTART_SECONDS_MIN: Final = 0.25
"""Before the first restart; each further one waits twice as long."""

HOST_RESTART_SECONDS_MAX: Final = 30.0
"""The longest wait between two starts: a node without peers still follows L1."""

HOST_STEADY_SECONDS: Final = 60.0
"""A host that lived so long begins again with the shortest wait."""

FRAME_BYTES_MAX: Final = 2 * 2**20
"""A frame between node and host: the largest answer to a range request, and its head."""

TO_HOST_FRAMES_MAX: Final = 1024
"""Frames waiting for the host; what is gossiped then is dropped, what is asked is refused."""

FROM_HOST_FRAMES_MAX: Final = 256
"""Frames waiting for the node; gossip is dropped then, requests are answered with nothing."""

FROM_HOST_BYTES_MAX: Final = 32 * 2**20
"""Bytes waiting likewise, beside the frames' count."""

REPORT_SECONDS: Final = 2.0
"""Between two reports of the host: the metrics are that old at the worst."""

# Messages, before and after decompression

BLOCK_HEAD_BYTES_MAX: Final = 512
"""What a gossiped block has besides its batch: numbers, hashes, a signature."""

BLOCK_PACKED_BYTES_MAX: Final = BATCH_POSTED_BYTES_MAX
"""A block's transactions, compressed: as much as a batch has on L1, which carries them later. The
batch's codec stops at 256 KB when it decompresses them."""

BLOCK_MESSAGE_BYTES_MAX: Final = BLOCK_PACKED_BYTES_MAX + BLOCK_HEAD_BYTES_MAX

CALL_BYTES_MAX: Final = 144 * 1024
"""A forwarded call, which isn't compressed: 128 KB of digits for a transaction of 64 KB, and the
JSON around them."""

CALL_METHOD_BYTES_MAX: Final = 64
"""The name of a method."""

CALL_RESPONSE_BYTES_MAX: Final = 1024 * 1024
"""An answer of the sequencer: at most a page of 1,000 fills, some 500 KB."""

STATUS_BYTES_MAX: Final = 8 * 1024
"""What a peer says of itself: heads, a signature, and the addresses of some others."""

STATUS_ADDRESSES_MAX: Final = 16
"""Addresses of other peers in one status."""

ADDRESS_BYTES_MAX: Final = 256
"""A multiaddress: a DNS name has at most 253 bytes, the ones here some 100."""

# Ranges of blocks

RANGE_BLOCKS_MAX: Final = 32
"""Blocks in one answer: half a minute of the chain."""

RANGE_BYTES_MAX: Final = 2**20
"""Bytes of one answer: a dozen of the largest blocks; at least one is always sent."""

RANGE_REQUEST_BYTES_MAX: Final = 64
"""A first number and a count."""

SIGNATURES_KEPT_BLOCKS: Final = 8_192
"""Blocks whose signature is kept, over two hours: what is older is on L1."""

BUFFER_BLOCKS_MAX: Final = 128
"""Blocks that wait for one before them: 10 MB at the worst. Further ones are asked for later."""

BUFFER_AHEAD_MAX: Final = 4_096
"""A block further ahead than that isn't buffered: it says only that there is much to ask for."""

STALE_BLOCKS: Final = 64
"""A gossiped block so far behind the head is not passed on: somebody plays back old ones."""

CLAIMS_KEPT: Final = 1_024
"""Signed blocks remembered to be held against others of the same number: a quarter of an hour."""

CLAIMS_PER_PLACE_MAX: Final = 8
"""Different signed blocks remembered of one number and parent; two are evidence."""

# Streams

REQUEST_SECONDS_MAX: Final = 10.0
"""A request that isn't answered by then has failed; a range of full blocks takes a second."""

RANGE_PATIENCE_SECONDS: Final = 2.0
"""A peer that takes longer for a range has the next one asked beside it: it may be stalled."""

FORWARD_SECONDS_MAX: Final = 10.0
"""An answer of the sequencer to a call that was forwarded."""

REQUESTS_SERVED_MAX: Final = 64
"""Requests of all peers in the works, of one protocol."""

STREAM_BACKLOG_MAX: Final = 64
"""Streams that one peer may have open: a few are used at a time."""

STREAM_WINDOW_BYTES_MAX: Final = 2 * 2**20
"""Bytes that a stream may hold unread, and one frame of the multiplexer at the most."""

NEGOTIATION_SECONDS_MAX: Final = 5
"""A stream that hasn't named its protocol by then is reset."""

UPGRADE_SECONDS_MAX: Final = 5.0
"""A connection that hasn't shaken hands by then is closed."""

DIAL_SECONDS_MAX: Final = 5.0
"""A peer that can't be reached by then is tried again later."""

# Channels, which carry subscriptions

CHANNELS_MAX: Final = 32
"""Channels that peers have open here: one for each replica that passes news on."""

CHANNELS_PER_PEER_MAX: Final = 2
"""One, and another while the host hasn't heard that the first is gone."""

CHANNEL_CHUNK_BYTES_MAX: Final = 64 * 1024
"""Bytes read from a channel, or put together for it, at once."""

CHANNEL_QUEUE_BYTES_MAX: Final = 4 * 2**20
"""Bytes waiting for a channel, in the host and in the node: some 10,000 news. A peer that reads
more slowly is cut off, and begins again with a fresh snapshot."""

CHANNEL_RATE: Final = (4.0 * 2**20, 8.0 * 2**20)
"""Bytes read from a channel a second: 10,000 news. A peer that sends more waits for it."""

FEED_MESSAGE_BYTES_MAX: Final = 256 * 1024
"""One message of a channel: a snapshot of 1,000 levels a side is 60 KB."""

FEED_OPTIONS_BYTES_MAX: Final = 256
"""The options of a subscription, as JSON: a market and a depth, or an account."""

FEED_KIND_BYTES_MAX: Final = 32
"""The kind of a subscription: a word."""

FEEDS_MAX: Final = 1_024
"""Different subscriptions of one replica, and of one peer here: each market at each depth, and
hundreds of accounts. However many clients share one, it counts once."""

FEED_REQUEST_RATE: Final = (100.0, 2.0 * FEEDS_MAX)
"""Subscriptions made or ended by one peer: all of them at once when it comes back."""

FEED_NEWS_RATE: Final = (5_000.0, 50_000.0)
"""News of one way a second: several times what an exchange makes; a burst is all orders of a full
book that go at once."""

FEED_BEAT_SECONDS: Final = 2.0
"""A channel on which nothing else is said says so, that often."""

FEED_SILENCE_SECONDS_MAX: Final = 15.0
"""A peer that says nothing for so long is stalled: another way is looked for."""

FEED_OPEN_SECONDS_MAX: Final = 10.0
"""A subscription that isn't answered by then has failed."""

FEED_IDLE_SECONDS: Final = 10.0
"""A subscription that no client shares any more is kept so long: somebody may come back."""

FEED_RETRY_SECONDS: Final = 1.0
FEED_RETRY_SECONDS_MAX: Final = 30.0
"""A way that failed is left alone for a second, two, four and so on up to this."""

# Gossip

GOSSIP_FRAME_BYTES_MAX: Final = 256 * 1024
"""One frame of gossipsub: a largest block with its signatures, and control messages beside it."""

GOSSIP_MESSAGES_PER_FRAME_MAX: Final = 64
"""Messages in one frame: a peer that catches up sends a few."""

GOSSIP_SUBSCRIPTIONS_PER_FRAME_MAX: Final = 16
"""There are three topics."""

GOSSIP_CONTROL_IDS_MAX: Final = 2_048
"""Message ids in the control part of one frame: the cache holds a few hundred."""

GOSSIP_SEQUENCE_BYTES_MAX: Final = 8
"""The sequence number of a message, which is part of its id (libp2p pubsub specification)."""

GOSSIP_SEEN_SECONDS: Final = 60
"""Ids of messages are remembered so long, so that they aren't taken twice."""

GOSSIP_QUEUE_MESSAGES_MAX: Final = 256
"""Messages waiting for one slow peer: what comes then is dropped for it."""

GOSSIP_PENDING_MESSAGES_MAX: Final = 4
"""Messages kept for a peer whose subscriptions aren't known yet."""

GOSSIP_HEARTBEAT_SECONDS: Final = 1
"""gossipsub's own recommendation; the library's is 120."""

SEEN_BLOCKS_MAX: Final = 1_024
"""Signed blocks remembered, so that one in a new envelope isn't passed on again."""

# Rates of one peer: so many a second, and so many at once

FRAME_RATE: Final = (200.0, 400.0)
"""Frames of gossipsub: heartbeats, a block a second, and the transactions of a busy replica."""

FRAME_BYTES_RATE: Final = (2.0 * 2**20, 8.0 * 2**20)
"""Their bytes: ten times what a chain of full blocks needs."""

BLOCK_RATE: Final = (16.0, 128.0)
"""Gossiped blocks: one a second is made, a peer that reconnects has the last few."""

CALL_RATE: Final = (200.0, 400.0)
"""Gossiped or forwarded calls, which are those of all users of a replica."""

RANGE_RATE: Final = (8.0, 32.0)
"""Range requests: 256 blocks a second, as fast as blocks are executed."""

STATUS_RATE: Final = (1.0, 8.0)
"""Status requests: one in ten seconds is usual."""

STREAM_RATE: Final = (250.0, 500.0)
"""Streams opened: one for each request above."""

CONNECT_RATE: Final = (1.0, 16.0)
"""Connections from one address: shaking hands costs 5 ms."""

NEWCOMER_RATE: Final = (1 / 60, 16.0)
"""Peers that were never here before, from one address: a name costs nothing, and a banned peer
would come back with another. As many as may be connected from there, then one a minute."""

NEWCOMER_BAN_COST: Final = 8.0
"""Places for newcomers that an address loses when one of its peers is banned: with the second one
it has none for a while. Peers of that address that were here before may still return."""

ADDRESSES_TRACKED_MAX: Final = 4_096
"""Peers or addresses whose rates are remembered; the longest unused go first."""

# Peers

PEERS_MAX: Final = 64
"""Connections of this node."""

PEERS_PER_ADDRESS_MAX: Final = 16
"""Connections from one IP address: a few nodes behind one router, and a devnet on one machine."""

PEERS_WANTED: Final = 8
"""With fewer peers the node dials those that it has heard of."""

KNOWN_PEERS_MAX: Final = 256
"""Addresses remembered; those that failed most go first."""

REDIAL_SECONDS: Final = 1.0
"""Between two looks for somebody to dial."""

REDIAL_SECONDS_MAX: Final = 60.0
"""A peer that can't be reached is tried again after a second, two, four and so on up to this."""

REDIALS_AT_ONCE_MAX: Final = 8
"""Peers dialled at the same time: those that never answer hold a place each for some seconds."""

FAILURES_MAX: Final = 16
"""A peer that wasn't a bootnode and failed so often in a row is forgotten."""

STATUS_SECONDS: Final = 10.0
"""Between two questions for a peer's status."""

# Scores: 0 is good, penalties add up, and halve with time

SCORE_BAN: Final = 100.0
"""A peer with so many points is banned."""

SCORE_HALF_SECONDS: Final = 60.0
"""The time in which points halve."""

BAN_SECONDS: Final = 600.0
"""A banned peer may come back after this; a new name has to find a place for newcomers."""

PENALTY_MALFORMED: Final = 40.0
"""A frame or message that can't be read: three of them are no accident."""

PENALTY_FORGED: Final = 50.0
"""A wrong signature, or an answer that contradicts itself."""

PENALTY_OVERSIZE: Final = 100.0
"""A message above the limits, which every honest peer keeps."""

PENALTY_RATE: Final = 2.0
"""One message above the rate: a flood of fifty."""

PENALTY_TOPIC: Final = 10.0
"""A message of a topic that nobody here asked for."""

PENALTY_SILENT: Final = 5.0
"""A request that was not answered."""

# The node's own work for peers

NODE_TASKS_MAX: Final = 256
"""Answers and questions in the works; further requests are answered with nothing."""

FORWARD_TRIES_MAX: Final = 3
"""Peers that a call is offered to, one after another."""

SYNC_SECONDS: Final = 1.0
"""A replica looks again at what it lacks at the latest after this: one block."""
