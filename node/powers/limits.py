"""Every limit of this folder, with its reason; sizes in bytes, times in seconds."""

MESSAGE_BYTES_MAX = 64 * 2**20
"""One line between the devnet and a node: the code of `setCode` and a state of 25 MB in digits."""

MINED_BLOCKS_MAX = 1_000
"""Blocks of one call; on L2 they take some 10 ms each. Time is skipped without blocks."""

OFFSET_SECONDS_MAX = 100 * 365 * 24 * 3600
"""How far the clock may be ahead: a century, so that timestamps stay within what contracts pack."""

SKIP_UNSETTLED_SECONDS_MAX = 60
"""So much is skipped at once. Before more, L2's blocks are brought to L1: its windows for forced
inclusion, minutes at the least, must not close between a block and its batch."""

SETTLE_SECONDS_MAX = 20.0
"""That is waited for so long, several blocks of L1; time is skipped all the same afterwards."""

SNAPSHOTS_MAX = 1_000
"""Snapshots kept; each holds files that compaction would have deleted, a few MB."""

FREEZE_SECONDS_MAX = 20.0
"""A node goes on by itself when nobody thaws it for so long."""

DRAIN_SECONDS_MAX = 2.0
"""Calls in the works get so long before the chain under them is closed."""

ANSWER_SECONDS_MAX = 120.0
"""A node that does not do what the devnet asks within this is reported: mining 1,000 blocks on a
slow machine is the longest."""

MINE_SECONDS_MAX = 30.0
"""So long a block may be put off, for example while L1 is out of reach."""

RETRY_SECONDS = 0.05
"""Between two attempts at a block that is put off: a tenth of the time between two looks at L1."""

COPY_ATTEMPTS_MAX = 100
"""Looks at a database until one finds it at rest: a compaction changes its list of files."""

DUMP_BYTES_MAX = 2**30
"""An unpacked dump; a devnet of a day has some 100 MB."""

DUMP_ANSWER_BYTES_MAX = 8 * 2**20
"""A packed dump in an answer; a larger one goes to a file."""

CODE_BYTES_MAX = 2 * 2**20
"""Code that is set by decree may be longer than a deployment's, as in anvil, but fits a request."""
