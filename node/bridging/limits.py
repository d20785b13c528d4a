"""Limits of moving things between the layers, each with its reason. In seconds."""

STATUS_POLL_SECONDS = 1.0
"""Between two looks how far a withdrawal or deposit has come: an L2 block."""

RESOLVE_PATIENCE_SECONDS = 30
"""L1 time that a proposer gets to resolve its own game before whoever waits for it does: three of
the proposer's turns."""

SPENT_GAS_WEI = 10**15
"""What is kept back for gas when somebody's balance is looked at before they send."""

DEPOSITS_LOOKED_AT = 50
"""Deposits of an account among which one that was just made is looked for."""
