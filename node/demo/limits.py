"""Limits of the demos, each with its reason."""

DUEL_POLL_SECONDS = 0.1
"""Between two looks at a game in which nobody moved: a tenth of the shortest block time of an L1
here, for a player's clock runs until its answer is in a block."""

DUEL_SECONDS_MAX = 600.0
"""A game is over by then: 46 answers of a block each, both clocks, and the payout's delay."""

STACK_ROWS_MAX = 6
"""Items of a stack that are shown, from the top: what an instruction takes and gives, and a little
of what lies below."""

LIE_BLOCKS_SCANNED_MAX = 256
"""Blocks looked through for something to lie about, from the newest back: four minutes of them."""

ROUND_LANDMARKS = 8
"""A round that is told however little it changes comes every so often: where the bond doubles."""

REPORT_SECONDS_MAX = 60.0
"""A report is in the books by then: a keeper looks every two seconds, and a block is one."""

SCENE_BLOCKS = 2
"""Blocks that a report stands before the next is written: one in which keepers price the options
anew, and one in which they close who failed. A report that is played stands for minutes."""

CALM_SECONDS_MAX = 90.0
"""What keepers have left to do when the prices are played is done by then: a candidate for
deleveraging waits for 10 s, and a bankrupt account has a few positions."""

CRASH_POLL_SECONDS = 0.25
"""Between two looks at the books: a quarter of a devnet's block."""

NEWS_BLOCKS_MAX = 256
"""Blocks whose events are asked for at once; more pass only while the demo is stopped."""

LEDGER_ACCOUNTS_MAX = 4_096
"""Accounts that a demo sums up: what keepers look at in one step."""
