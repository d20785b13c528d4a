"""Limits of the L1 client and of those who write to L1, each with its reason."""

# JSON-RPC

REQUEST_SECONDS_MAX = 10.0
"""Longest wait for one answer: a public endpoint's slow eth_getLogs takes a few seconds."""

RESPONSE_BYTES_MAX = 64 * 1024 * 1024
"""Largest answer read: 500 batches of 80 KB in hex, what one range of logs can hold here."""

RESPONSE_DEPTH_MAX = 32
"""Deepest nesting of an answer: blocks with receipts and logs have 7 levels."""

ERROR_TEXT_CHARACTERS_MAX = 300
"""How much of an endpoint's error message is kept: it is shown, and it is not ours."""

HTTP_CONNECTIONS_MAX = 8
"""Connections to one endpoint: we ask few things at a time, and public endpoints count them."""

# Following L1

REORG_BLOCKS_MAX = 128
"""Recent L1 block hashes remembered: twice the 64 slots after which Ethereum finalizes."""

LOG_RANGE_BLOCKS_MAX = 2_000
"""Blocks in one eth_getLogs: public endpoints refuse more."""

LOG_RANGE_ITEMS_MAX = 256
"""Items taken from one poll, 20 MB: bounds memory while a new node reads years of inbox."""

HEADER_WALK_MAX = 256
"""Headers walked back by parent hash in one poll; after a larger gap the memory begins anew."""

# Writing to L1

TRANSACTION_GAS_MAX = 2**24
"""Most gas an L1 transaction may ask for (EIP-7825)."""

GAS_MARGIN_PERCENT = 25
"""Added to an estimate: storage may have changed from zero to non-zero until inclusion."""

BASE_FEE_HEADROOM = 2
"""Fee cap = this many base fees + tip: six full blocks in a row stay covered (1.125^6 = 2.03)."""

TIP_WEI_MIN = 1
"""An endpoint on an idle chain may suggest nothing; some pools refuse a tip of zero."""

FEE_CAP_WEI_MAX = 10_000 * 10**9
"""Never bid more for one gas, 10,000 gwei: a lying endpoint must not burn the operator's ETH."""

FEE_BUMP_PERCENT = 15
"""Raise of both fees for a replacement; pools ask for at least 10%, some for 12.5%."""

RECEIPT_POLLS_PER_BID = 30
"""Looks for a receipt before the fees are raised."""

RECEIPT_LOOKS = 3
"""Looks for the receipts once the nonce is used: some endpoints index receipts a moment later."""

FEE_BUMPS_MAX = 12
"""Raises before giving up: 1.15^12 = 5.35 times the first bid."""

RECEIPT_POLL_SECONDS = 0.5
"""Between two looks for a receipt: a fraction of any L1's block time."""

# Deploying

CONFIRMATION_POLLS_MAX = 3_600
"""Looks for confirmations of the Inbox: half an hour at the usual interval."""
