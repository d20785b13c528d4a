"""From where on the doctor is worried, each with its reason."""

DISK_BYTES_FAILED = 256 * 2**20
"""A devnet writes 15 MB a minute: a quarter of an hour, in which a full disk stops the node."""

DISK_BYTES_WARNING = 5 * 2**30
"""Some hours of a devnet, and days of a quiet chain."""

OPEN_FILES_MIN = 1024
"""LevelDB holds 256 files, clients 512 connections; some more for logs and peers."""

CLOCK_AHEAD_SECONDS_MAX = 15
"""An L1 block from so far in our future holds blocks of L2 back until our clock is there."""

L1_AGE_SECONDS_WARNING = 120
"""Ten blocks of Ethereum: either L1 has stopped or our clock is ahead."""

KEY_FOLDER_FILES_MAX = 1_000
"""Keys that are looked at."""

ANSWER_SECONDS_MAX = 60.0
"""A node that is gone refuses at once; one on a machine that is too busy answers late, and then
that is what is to be told of it."""

ANSWER_SECONDS_WARNING = 5.0
"""Half of what other clients wait for an answer (`bridge.l1.limits.REQUEST_SECONDS_MAX`)."""
