"""Limits of the dispute, each with its reason."""

BLOCK_STEPS_BITS = 26
"""Each block has 2^26 places in the trace: more than its gas and its bytes can make steps
(docs/machine.md)."""

BLOCKS_BITS = 20
"""A root may lie 2^20 blocks above its anchor: twelve days of blocks a second, far beyond the
dispute window and the finality delay together."""

DEPTH_MAX = BLOCKS_BITS + BLOCK_STEPS_BITS
"""Depth of the tree over the trace of a whole game: one leaf a step."""

BOND_DOUBLING_DEPTHS = 8
"""A bond doubles every 8 levels. Deeper answers cost more to make (a trace inside a block, at last
a proof on L1), and a bond has to cover its answer; at depth 46 it is 32 times the root's."""

ANSWERS_PER_RESOLUTION_MAX = 256
"""Answers that one L1 transaction looks at when it resolves a claim: at three cold slots each
(EIP-2929), 256 take below 2M gas, far from the 2^24 of EIP-7825."""

CLAIMS_PER_CALL_MAX = 256
"""Claims read in one eth_call: 80 KB of answer, and 2.5M gas of cold slots."""

TRACES_KEPT_MAX = 1_024
"""Games whose traces are kept with the states found so far: hourly proposals are in progress by the
hundred, and whoever could push a disputed game out of here would have its blocks executed anew at
each look. An undisputed game's trace is a kilobyte."""

STATES_KEPT_MAX = 4_096
"""State hashes kept of one trace: a game asks for about one for each of its claims."""

RESOLUTIONS_PER_ROW_MAX = 48
"""Claims resolved without waiting for a receipt in between: one longest path of a game, 47 claims,
and its end. Pools take 64 transactions of an account."""

RESOLUTION_GAS = 400_000
"""Gas for the resolution of a claim or a game, its answers aside; none takes half of it. Fixed, for
in a row no estimate can see what the transactions before will have done."""

RESOLUTION_ANSWER_GAS = 8_000
"""For each answer to the claim besides: at most three cold slots of 2,100 gas."""

GAME_LIFETIMES_WATCHED = 2
"""Games are looked at for twice as long as one can take: whoever floods the Rollup with games, the
one that they are to hide is among those that are looked at, and our credit has a while to be taken
out."""

GAME_CONFIRMATIONS = 2
"""L1 blocks on top of a game's creation before the challenger stakes ether in it. Ethereum takes
back one block now and then, and hardly ever a second; what a deeper reorg could cost is a bond."""

CONFIRMING_CLOCK_PARTS = 4
"""Nor does it wait for them longer than this part of a side's clock: a wrong root that stands is
worse than a lost bond."""
