"""The Solidity contracts of L2, and their committed artifacts."""

from pathlib import Path

from genesis.artifacts import Artifact, load_artifact

_ARTIFACTS = Path(__file__).resolve().parent / "artifacts"


def artifact(name: str) -> Artifact:
    """The compiled contract of that name. Raises `ArtifactDamaged`."""
    return load_artifact(_ARTIFACTS / f"{name}.json")
