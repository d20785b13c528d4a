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
