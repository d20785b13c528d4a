"""Compiled contracts, as `scripts/compile_contracts.py` writes them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from state.errors import InternalError


class ArtifactDamaged(InternalError):
    """A contract artifact of the installation is missing or is no artifact."""

    def __init__(self, path: Path, reason: object) -> None:
        super().__init__(
            f"contract artifact {path}: {reason}; reinstall the package, or in a checkout run"
            " scripts/compile_contracts.py"
        )


@dataclass(frozen=True, slots=True)
class ImmutableReference:
    """Where the value of one immutable stands in the deployed code, in bytes."""

    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Artifact:
    """One compiled contract.

    `storage_layout` is solc's (`storage`: label, slot, offset, type; `types`), without AST ids.
    """

    name: str
    abi: tuple[Mapping[str, Any], ...]
    bytecode: bytes
    """Creation code; constructor arguments are appended to it."""
    deployed_bytecode: bytes
    """Code of the contract as it stands on a chain, immutables zero."""
    immutable_references: tuple[tuple[ImmutableReference, ...], ...]
    storage_layout: Mapping[str, Any]

    @property
    def predeploy_code(self) -> bytes:
        """Code for a genesis state. Raises `ValueError` when immutables need a constructor."""
        if self.immutable_references:
            raise ValueError(f"{self.name} has immutables: only its constructor can set them")
        return self.deployed_bytecode

    def slot(self, label: str) -> int:
        """The storage slot of a state variable. Raises `KeyError`."""
        for entry in self.storage_layout["storage"]:
            if entry["label"] == label:
                return int(entry["slot"])
        raise KeyError(f"{self.name} has no state variable {label}")


@cache
def load_artifact(path: Path) -> Artifact:
    """Read an artifact once a process. Raises `ArtifactDamaged`."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return _parse(fields)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactDamaged(path, error) from error


def _parse(fields: Mapping[str, Any]) -> Artifact:
    return Artifact(
        name=fields["contractName"],
        abi=tuple(fields["abi"]),
        bytecode=_code(fields["bytecode"]),
        deployed_bytecode=_code(fields["deployedBytecode"]),
        immutable_references=tuple(
            tuple(ImmutableReference(r["start"], r["length"]) for r in references)
            for references in fields["immutableReferences"]
        ),
        storage_layout=MappingProxyType(fields["storageLayout"]),
    )


def _code(text: str) -> bytes:
    if not text.startswith("0x"):
        raise ValueError("bytecode doesn't start with 0x")
    return bytes.fromhex(text[2:])
