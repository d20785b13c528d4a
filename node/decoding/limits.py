"""Limits of decoding: what is shown was chosen by strangers."""

BYTES_SHOWN_MAX = 64
"""Bytes of a value shown on a line; --json has all."""

TEXT_SHOWN_MAX = 200
"""Characters of a string shown on a line."""

ITEMS_SHOWN_MAX = 16
"""Items of an array shown on a line."""

ARTIFACT_BYTES_MAX = 32 * 2**20
"""Of an artifact file; the largest of compilers have a few megabytes, most of it source maps."""

ARTIFACT_FILES_MAX = 2_000
"""Artifact files read from a folder: a large project has some hundreds."""

FOLDER_DEPTH_MAX = 4
"""Folders below the one given; Hardhat's artifacts are three deep."""

TRACE_ADDRESSES_MAX = 512
"""Addresses of a trace whose code is asked for, to find their sources."""

TRACE_DEPTH_MAX = 2_100
"""Nesting of a trace's JSON: two levels a call, of which 1,025 can be within each other."""

TRACE_SECONDS_MAX = 60.0
"""A node may take 25 s for a trace, and is then busy for others too."""
