"""Every limit of this folder, with its reason."""

LOAD_SLICE_ACCOUNTS = 64
"""Accounts read in one go, some 20 ms: a block that comes meanwhile waits no longer than that."""

SCAN_SLICE_ACCOUNTS = 8
"""Accounts scanned in one go: each is looked for in every market, some milliseconds."""

SCAN_BLOCKS = 256
"""Between two full scans: some minutes of blocks. A scan finds what no slot that is known to belong
to an account tells of."""

RECENT_BLOCKS = 128
"""Checked blocks that are remembered: a reorg within them goes on from where it forked, an older
one from the finalized block."""

STANDINGS_A_BLOCK_MAX = 4
"""Accounts of a block whose margin the contract is asked for, before and after it: some 20 ms each
time, while the next block waits. Liquidations, withdrawals and transfers come first."""

EVIDENCE_ACCOUNTS_MAX = 64
"""Accounts whose slots are written down: more than a block's transactions usually touch."""

FINDINGS_MAX = 256
"""Of one block: whatever breaks every account is told by the first of them."""
