"""Contracts that only tests deploy: attackers, receivers, and internal libraries made callable."""

from pathlib import Path

from genesis.artifacts import Artifact, load_artifact

_ARTIFACTS = Path(__file__).resolve().parent / "artifacts"


def artifact(name: str) -> Artifact:
    """The compiled contract of that name."""
    return load_artifact(_ARTIFACTS / f"{name}.json")
