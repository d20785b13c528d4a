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
