"""Limits of the keepers, each with its reason; sizes in bytes, times in seconds, gas in gas."""

from state.types import Gas

# Looking at a node

STORAGE_BATCH_MAX = 500
"""Slots asked for in one HTTP request: half of what a node takes, some 50 KB of answer."""

CALL_BATCH_MAX = 32
"""Calls of the EVM in one HTTP request: at 10 ms each the answer comes well within its time."""

REHEARSAL_BATCH_MAX = 4
"""Accounts judged at new prices in one HTTP request: up to 32 series each, at 25 ms a series."""

READ_ROUNDS_MAX = 4
"""A reader that needs slots which depend on slots is run again so often; holdings need three."""

STEP_SECONDS_MAX = 120.0
"""A step that takes longer is given up: a transaction is waited for 80 s at the most."""

# Sending

LANE_IN_FLIGHT_MAX = 32
"""Transactions of one account under way: half of what a pool queues for one behind a gap."""

LANE_POLL_SECONDS = 0.25
"""Between two looks for a receipt: a quarter of a devnet's block time."""

GAS_REPORT = Gas(600_000)
"""One round of reports: 15,000 a signer, and some 100,000 for the mark, the funding and samples."""

GAS_FUNDING = Gas(500_000)
"""A day of intervals at once."""

GAS_SERIES = Gas(300_000)
"""One series priced: 250,000 is the rule (MARGIN.md)."""

GAS_LIQUIDATION = Gas(14_000_000)
"""As much as one takeover of an account with everything that it may hold takes: 12.1 million."""

GAS_DELEVERAGE = Gas(15_000_000)
"""A proposal tries the takeover first, with all but a 64th of its gas: 13.8 million at most."""

GAS_DEBT = Gas(2_000_000)
"""One account assessed: 450,000 with 8 perpetuals and 16 series (MARGIN.md), more with all."""

GAS_SETTLEMENT = Gas(1_000_000)
"""Thirty samples read, or a market closed."""

GAS_HOLDER = Gas(600_000)
"""One holder settled, or one position registered, with insurance and pools."""

# Prices from outside

FEED_BYTES_MAX = 256 * 1024
"""One set of prices: 64 markets and some 2,000 strikes."""

FEED_DEPTH_MAX = 4
"""Nesting of it: an object of objects of objects."""

FEED_SECONDS_MAX = 5.0
"""A script or an endpoint that needs longer gives prices of the past."""

PEER_REPORTS_MAX = 2_048
"""Signed reports in one peer's file: a round of every market and of 1,900 strikes."""

# How often

ORACLE_SECONDS = 1.0
"""From a round in its block to the next: on a devnet every second block has one."""

FUNDING_SECONDS = 15.0
"""Between two looks whether an interval has ended: intervals are minutes to hours."""

ARRAYS_SECONDS = 2.0
"""Between two looks at the scenario arrays: they follow the reports."""

LIQUIDATOR_SECONDS = 1.0
"""Between two looks at the accounts: every block of a devnet."""

DELEVERAGER_SECONDS = 2.0
"""Between two looks at the bankrupt: a candidate may be outbid for seconds."""

EXPIRY_SECONDS = 5.0
"""Between two looks for expired series, and for exits and closings."""

# What is due

HEARTBEAT_SHARE = 3
"""A price that doesn't move is reported again after a third of the time in which it goes stale."""

INPUTS_SECONDS_MAX = 20
"""Inputs of a strike that somebody holds are reported again after so long, or when ..."""

INPUTS_MOVE_PPM = 2_000
"""... their forward moved by more, less than what makes an array stale."""

STRIKES_A_STEP_MAX = 4
"""Strikes reported in one step, the oldest first: 100,000 gas each, beside the markets."""

ARRAY_SECONDS_MAX = 30
"""An array is computed anew after so long; at 60 s it is stale (MARGIN.md) ..."""

ARRAY_MOVE_PPM = 3_000
"""... or when the index moved by more; by 5,000 it is stale."""

SERIES_A_TRANSACTION_MAX = 8
"""Series priced by one transaction: 2.4 million gas."""

SERIES_A_STEP_MAX = 24
"""Series priced in one step: a quarter of a block of 30 million gas."""

ACCOUNTS_A_STEP_MAX = 4_096
"""Accounts looked at in one step; where there are more, the next step goes on with the rest."""

STANDINGS_A_STEP_MAX = 512
"""Accounts with positions whose margin is computed in one step, likewise."""

ACCOUNTS_AT_ONCE_MAX = 8
"""Accounts liquidated, reported or deleveraged in one step."""

ACCOUNTS_REJUDGED_MAX = 16
"""Accounts whose option prices are stale and that are judged at new ones in one step, those that
last stood worst first: some 0.1 s of EVM each with four series, and 0.8 s with all that fit."""

DEBT_MOVE_PPM = 10_000
"""A reported debt is brought up to date when it is off by more: prices move it every block."""

CANDIDATES_MAX = 256
"""Counterparties ranked for one position, those with the largest gain for their cost first."""

PROPOSALS_TRIED_MAX = 8
"""Counterparties proposed in turn where the contract takes none of the better ones."""

HOLDERS_A_TRANSACTION_MAX = 16
"""Holders settled, or positions registered, by one transaction."""

BUCKETS_TRIED = 64
"""Minutes before an expiry looked at directly for its last report; ..."""

LINKS_WALKED_MAX = 20_000
"""... after that the links are walked from the newest bucket back: two weeks of minutes."""

ORDERS_BYTES_MAX = 1024 * 1024
"""A file of signed orders for liquidations: some 4,000."""

ORDERS_A_CALL_MAX = 64
"""Orders handed to one liquidation, the best first: two signatures' worth of gas each."""
