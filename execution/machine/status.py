"""What the machine does next: the status selects the verifier, and nothing else does."""

from enum import IntEnum


class Status(IntEnum):
    """Statuses by the word that commits to them; docs/machine.md says what each step does."""

    NEXT = 0
    """Between transactions; the block's phases decide what comes."""

    # A transaction's phases
    VALIDATE = 1
    BUY = 2
    WARM = 3
    BEGIN = 4
    SETTLE = 5
    DESTRUCT = 6
    RECEIPT = 7

    # A frame
    RUN = 16
    LOAD = 17
    PRECOMPILE = 18
    DEPLOY = 19
    LEAVE = 20

    # Instructions that need more than one step
    COPY = 32
    SLOAD = 33
    SSTORE_READ = 34
    SSTORE_WRITE = 35
    EXTCODESIZE = 36
    EXTCODECOPY = 37
    ENTER = 38
    CREATE_HASH = 39
    CREATE_WARM = 40
    CREATE_ENTER = 41
    CREATE_FUND = 42
    SELFDESTRUCT_SEND = 43
    SELFDESTRUCT_MARK = 44

    # A block's phases; bridge/machine, for they read the inbox
    BOUNDARY = 48
    EXHAUSTED = 49
    DECODE = 50
    SCAN = 51
    ORIGIN = 52
    UNFIT = 54
    HASH_TRANSACTION = 56
    TRANSACTIONS_ROOT = 57
    HASH_RECEIPT = 58
    RECEIPTS_ROOT = 59
    SEAL = 60


class Outcome(IntEnum):
    """How a frame or a transaction stands."""

    RUNNING = 0
    SUCCESS = 1
    REVERT = 2
    FAILURE = 3
