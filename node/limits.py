"""Every limit of this folder, with its reason; sizes in bytes, times in seconds.

A limit that a client can run into is answered with a JSON-RPC error that names it.
"""

# JSON-RPC: what one client may send

RPC_BODY_BYTES_MAX = 5 * 2**20
"""One HTTP body or websocket message; geth's default, and 40 transactions of the largest size."""

RPC_BATCH_ITEMS_MAX = 1000
"""Calls in one batch: geth's default. At 5 us a call that is 5 ms of the event loop."""

RPC_BATCH_YIELD_ITEMS = 16
"""After so many calls of a batch the others get their turn."""

RPC_JSON_DEPTH_MAX = 64
"""Nesting of a request: access lists and overrides need 7; the decoder is recursive."""

RPC_JSON_CONTAINERS_MAX = 200_000
"""Arrays and objects in a body: checking the depth visits each, 50 ns a container."""

RPC_BODY_SECONDS_MAX = 30.0
"""A client that takes longer to send a body is not sending one."""

RPC_RESPONSE_BYTES_MAX = 25 * 10**6
"""One response, a batch counted whole; geth's default for batches."""

RPC_CONNECTIONS_MAX = 512
"""Open connections; each may hold one body, so that memory stays below 3 GB at the worst."""

RPC_CONNECTIONS_PER_ADDRESS_MAX = 256
"""Connections of one address: half of all, so that one client can't shut the others out. Behind a
proxy all have one address, and it is the proxy's to be fair."""

RPC_HEADERS_SECONDS_MAX = 10.0
"""From the first byte of a connection, or of a further request, to the end of its headers."""

RPC_HEADER_BYTES_MAX = 64 * 2**10
"""Headers of one request, and what frames the chunks of its body; browsers' cookies fit."""

RPC_KEEP_ALIVE_SECONDS = 75
"""Idle HTTP connections stay open longer than the 60 s that clients pool them for."""

RPC_SHUTDOWN_SECONDS_MAX = 3
"""A stopping server lets calls finish for so long, then cancels them."""

RPC_UNSENT_MILLISECONDS_MAX = 30_000
"""TCP gives up on a peer that takes nothing for so long (TCP_USER_TIMEOUT)."""

RPC_UNTAKEN_SECONDS_MAX = 60.0
"""A client that takes an answer drop by drop keeps TCP content; its answer is worth a minute."""

RPC_UNTAKEN_BYTES_MAX = 512 * 2**20
"""Answers of all clients that wait to be taken; beyond it the next one who is slow is cut off."""

# JSON-RPC: websockets

RPC_SOCKET_CALLS_MAX = 32
"""Calls of one websocket in the works; the next is read when one is answered."""

RPC_SOCKET_MESSAGES_MAX = 4096
"""Messages waiting for a client to read them; a subscriber that falls further behind is dropped."""

RPC_SOCKET_BYTES_MAX = 32 * 2**20
"""Bytes waiting likewise, so that one client holds some 60 MB at the worst."""

RPC_CLOSE_SECONDS_MAX = 1.0
"""A client that is dropped gets so long to take the close frame."""

RPC_SOCKET_SUBSCRIPTIONS_MAX = 128
"""Subscriptions of one websocket: each is matched against every log of every block."""

RPC_PING_SECONDS = 20.0
"""A websocket is pinged so often, and closed when the pong takes as long."""

# JSON-RPC: filters and the feed of new blocks

RPC_FILTERS_MAX = 1024
"""Installed filters of all clients together; the oldest unused go first."""

RPC_FILTER_IDLE_SECONDS_MAX = 300.0
"""A filter that nobody polls for so long is forgotten; geth's default."""

RPC_FEED_EVENTS_MAX = 4096
"""Block events remembered for filters that are polled: over an hour of one-second blocks."""

RPC_FEED_LOGS_MAX = 100_000
"""Logs remembered with them, some 50 MB at the worst."""

RPC_FEED_TRANSACTIONS_MAX = 16_384
"""Hashes of pool transactions remembered for pending-transaction filters."""

RPC_FEED_REORG_BLOCKS_MAX = 128
"""Blocks looked back at for a fork; an L1 reorg of 64 blocks must be told whole."""

# JSON-RPC: reads

RPC_LOGS_MAX = 20_000
"""Logs in one answer; some 10 MB of JSON."""

RPC_LOG_BLOCKS_MAX = 100_000
"""Blocks that one eth_getLogs may span: their headers are read one by one, 5 us each."""

RPC_LOG_ADDRESSES_MAX = 1000
"""Addresses in one filter; geth's default."""

RPC_LOG_TOPICS_MAX = 1000
"""Alternatives in one topic position of a filter; geth's default."""

RPC_PROOF_SLOTS_MAX = 1024
"""Storage keys in one eth_getProof or eth_getStorageValues; geth's default."""

RPC_FEE_HISTORY_BLOCKS_MAX = 1024
"""Blocks in one eth_feeHistory; geth's default. A larger count is cut to it."""

RPC_FEE_HISTORY_PERCENTILES_MAX = 100
"""Percentiles in one eth_feeHistory; geth's default."""

RPC_FEE_SAMPLE_BLOCKS = 20
"""Blocks that the suggested tip is learned from; geth's default."""

RPC_FEE_SAMPLES_A_BLOCK = 3
"""Tips taken of each of them, lowest first; go-ethereum's default."""

# JSON-RPC: what crosses between the layers

RPC_BATCH_BLOCKS_MAX = 1_000
"""Blocks listed of one batch; each is read whole, 20 us where it isn't cached."""

RPC_DEPOSITS_MAX = 100
"""Deposits in one answer; some 60 KB of JSON."""

RPC_DEPOSITS_SCANNED_MAX = 2_000
"""Deposits looked at for those of one account: decoding each takes 50 us."""

RPC_WITHDRAWALS_MAX = 32
"""Withdrawals in one answer; each takes up to four calls to L1 besides its games."""

RPC_WITHDRAWAL_BLOCKS_MAX = 20_000
"""Blocks looked at for one account's withdrawals; their headers take 5 us each, one by one."""

RPC_L1_VIEW_SECONDS = 1.0
"""A state of L1 that answers are read from is at most so old: however many ask, L1 is asked for its
head no more often than a devnet's makes blocks."""

# JSON-RPC: simulation

RPC_CALL_GAS_MAX = 2**24
"""Gas of one eth_call or estimate: the cap of a transaction (EIP-7825), so 17 s at the worst."""

RPC_CALL_SECONDS_MAX = 30.0
"""A simulation is answered by then, or with an error."""

RPC_CALLS_WAITING_MAX = 256
"""Simulations in the works or waiting; the next is told to try again."""

RPC_PENDING_SECONDS_MAX = 0.2
"""No transaction of a pending block is begun later than this after it was begun: a look at what the
next block may hold isn't worth more of the processor."""

RPC_PENDING_REST = 4
"""Times as long as a pending block took, before the next is made: a fifth of one thread at most."""

RPC_SIMULATED_BLOCKS_MAX = 256
"""Blocks of one eth_simulateV1; execution-apis' limit."""

RPC_SIMULATED_CALLS_MAX = 5000
"""Calls in all blocks of one eth_simulateV1; geth's limit of one block. Gas allows 800."""

RPC_OVERRIDE_ACCOUNTS_MAX = 256
"""Accounts in one set of state overrides."""

RPC_OVERRIDE_SLOTS_MAX = 4096
"""Slots in the override of one account."""

# JSON-RPC: sending and waiting (EIP-7966)

RPC_SYNC_SECONDS = 20.0
"""How long a receipt is waited for unless the client says otherwise; go-ethereum's default."""

RPC_SYNC_SECONDS_MAX = 60.0
"""The longest that a client may say; go-ethereum's."""

RPC_SYNC_WAITING_MAX = 256
"""Who may wait at once: each looks for its receipt after every block, 20 us."""

# JSON-RPC: typed data (EIP-712)

RPC_TYPED_DATA_TYPES_MAX = 64
"""Struct types of one message. Each is written out with all those it refers to."""

RPC_TYPED_DATA_MEMBERS_MAX = 512
"""Members of all struct types of one message together."""

RPC_TYPED_DATA_VALUES_MAX = 10_000
"""Values within one message, which is hashed between two other calls, 5 us a value."""

# JSON-RPC: traces

RPC_TRACE_SECONDS = 5.0
"""A trace takes no longer unless it asks to; go-ethereum's default."""

RPC_TRACE_SECONDS_MAX = 25.0
"""The longest that it may ask for: below what the call itself may take."""

RPC_TRACE_STEPS_MAX = 2_000_000
"""Instructions told in one answer: a transaction of 2^24 gas has 5 million at most, most below one.
At 5 us each they take ten seconds."""

RPC_TRACE_BYTES_MAX = 24 * 10**6
"""JSON collected for one answer; what is larger could not be sent."""

# console.log

CONSOLE_LINES_MAX = 256
"""Lines of console.log told of one transaction; how many more there were is told at the end."""

CONSOLE_BYTES_MAX = 2**20
"""Bytes of one transaction's calls of the console that are kept until it is done."""

CONSOLE_LINE_CHARACTERS_MAX = 2_000
"""Characters of a line; a transaction's gas could pay for a megabyte."""

# The history of addresses

HISTORY_WAIT_SECONDS = 8.0
"""A question waits so long for the index to have the newest block; below what clients wait."""

HISTORY_SLICE_BLOCKS = 16
"""Blocks read in one go; a stopping node waits for no more."""

HISTORY_SLICE_GAS = 2_000_000
"""Gas run in one go likewise: a second at the most, where a block may take thirty."""

HISTORY_DELETE_KEYS = 10_000
"""Keys deleted in one write when an index is thrown away: some 2 MB."""

RPC_HISTORY_PAGE_MAX = 100
"""Transactions in one page, the rest of the last block aside; Otterscan asks for 25."""

# Health

READY_LATE_SECONDS_MAX = 30.0
"""A node whose newest block is so much older than its block time is behind: a block of the full gas
limit may take half of that, and a restart less."""

READY_LATE_BLOCKS_MAX = 8
"""The same in block times, for chains whose blocks are minutes apart."""

READY_PEER_BLOCKS_MAX = 32
"""A replica that many blocks behind its best peer is behind: half a minute of one-second blocks."""

READY_BATCHES_MAX = 8
"""A node with more batches underived is behind: some 30 s of a devnet's."""

READY_DISK_BYTES_MIN = 64 * 2**20
"""Below this much room a write may fail at any time: LevelDB writes 4 MB at once and compacts ten
times as much."""

# Threads

INTERPRETER_SWITCH_SECONDS = 0.00005
"""How long a thread that computes keeps the interpreter from one that waits for it, which the event
loop does some five times a call. At Python's default of 5 ms a call beside a simulation takes tens
of milliseconds, at 0.2 ms three times as long as alone, now less than twice."""

YOUNG_OBJECTS_MAX = 20_000
"""New objects after which Python looks for garbage among them, instead of 700: a third of what
matching an order costs. Cycles are rare; looking at so many takes 1 ms."""

# Making blocks and following L1

BUILD_SECONDS_MAX = 0.8
"""No transaction is begun later than this after building began; sealing and writing take the rest
of the shortest block time."""

L1_POLL_SECONDS = 0.5
"""Between two looks at L1: half the shortest block time of an L1 here."""

EVM_THREADS = 8
"""Simulations that take turns (`execution/evm/lanes.py`): a short one is done within some turns of
the others, however long those take."""

# Disputes

DISPUTE_POLL_SECONDS = 0.25
"""Between two looks at the games, and at a receipt: a quarter of the shortest block time of an L1
here, since the clock of a side runs until its answer is in a block."""

DISPUTE_WATCH_SECONDS = 15.0
"""Between two counts of disputes for the metrics: as often as a monitoring system asks."""

# The machine beside the engine

MACHINE_CHECK_BACKLOG_MAX = 64
"""Blocks that may wait for the machine; where more do, it goes on with the newest."""

MACHINE_CHECK_SLICE_STEPS = 2_000
"""Steps in one go, some 5 ms: what else shares the interpreter has its turn between two."""

MACHINE_CHECK_LOG_BLOCKS = 16
"""Blocks checked between two lines of the log, though more are waiting."""

MACHINE_CHECK_POLL_SECONDS = 0.25
"""Between two looks for new safe blocks: half the time between two looks at L1."""

# A devnet's processes

CHILD_START_SECONDS_MAX = 60.0
"""A node that doesn't answer by then is reported; it takes two seconds on a free machine."""

CHILD_STOP_SECONDS_MAX = 10.0
"""A node that doesn't stop by then is killed, which loses nothing that it acknowledged."""

CHILD_RESTARTS_PER_MINUTE_MAX = 3
"""A node that dies more often than this won't be mended by another start."""

CHILD_LOG_TAIL_LINES = 12
"""Lines of a log shown when a node failed."""

DEVNET_REPLICAS_MAX = 8
"""Replicas of a devnet: each is two processes, of some 400 MB together."""

# Demos

DEMO_STEP_SECONDS_MAX = 300.0
"""A demo gives up on a step after this; the longest waits out a dispute window of 20 s."""
