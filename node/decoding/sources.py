"""Artifacts of compilers, and whether they are those of the code on a chain.

Hardhat, Foundry and this repository's own scripts write a contract's ABI and its deployed code to
a JSON file. It is taken for a contract's only if its code is the contract's: anything else would be
somebody's guess.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from node.decoding.abi import Abi
from node.decoding.limits import ARTIFACT_BYTES_MAX, ARTIFACT_FILES_MAX, FOLDER_DEPTH_MAX
from state.errors import Invalid

_PLACEHOLDER: Final = re.compile(r"__.{36}__")
"""A library's address that the linker has not filled in: forty characters of no hexadecimal."""

_PUSH20, _PUSH32 = 0x73, 0x7F
_METADATA_LENGTH_BYTES: Final = 2


class InvalidArtifact(Invalid):
    """A file that is no artifact, or not one of the contract it was given for."""


@dataclass(frozen=True, slots=True)
class Source:
    """A contract as a compiler wrote it. `code` is None where the file has an ABI alone."""

    name: str
    abi: Abi
    code: bytes | None
    holes: tuple[tuple[int, int], ...] = ()
    """Where what is deployed may differ: start and length of immutables and library addresses."""

    def is_code_of(self, deployed: bytes) -> bool:
        """Whether the contract on a chain was compiled from it.

        The metadata hash at the end depends on file names and comments, and is left out (Solidity
        docs, "Contract Metadata"). An immutable is a PUSH32 of zero until it is set.
        """
        code = self.code
        if code is None or not deployed:
            return False
        ours, theirs = without_metadata(code), without_metadata(deployed)
        if len(ours) != len(theirs) or not ours:
            return False
        holes = (*self.holes, *_zero_words(ours))
        return _masked(ours, holes) == _masked(theirs, holes)


def without_metadata(code: bytes) -> bytes:
    """Code without the CBOR at its end, which its last two bytes tell the length of."""
    length = int.from_bytes(code[-_METADATA_LENGTH_BYTES:], "big")
    end = len(code) - _METADATA_LENGTH_BYTES - length
    # CBOR of a map begins so; solc's has up to a few keys.
    if len(code) < _METADATA_LENGTH_BYTES or end < 0 or not 0xA1 <= code[end] <= 0xB7:
        return code
    return code[:end]


def read_source(path: Path) -> Source:
    """Read an artifact or a bare ABI. Raises `InvalidArtifact`."""
    try:
        if path.stat().st_size > ARTIFACT_BYTES_MAX:
            raise InvalidArtifact(f"{path} has more than {ARTIFACT_BYTES_MAX} bytes")
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidArtifact(f"can't read {path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise InvalidArtifact(f"{path} is no JSON") from None
    return parse_source(content, path.stem, str(path))


def parse_source(content: object, stem: str, where: str) -> Source:
    """An artifact by its content. Raises `InvalidArtifact`."""
    fields: Mapping[str, Any] = {"abi": content} if isinstance(content, list) else {}
    if isinstance(content, dict):
        fields = content
    items = fields.get("abi")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise InvalidArtifact(f'{where} is no artifact: it has no "abi"')
    name = fields.get("contractName")
    deployed = fields.get("deployedBytecode")
    text, references = _bytecode(deployed)
    references = references or fields.get("immutableReferences")
    try:
        code, libraries = _unlinked(text)
    except ValueError:
        raise InvalidArtifact(f"{where}: its deployed bytecode is no hexadecimal") from None
    holes = (*libraries, *_immutables(references))
    return Source(name if isinstance(name, str) else stem, Abi(items), code or None, holes)


def read_folder(folder: Path) -> list[Source]:
    """Every artifact with code below a folder; other files are passed over."""
    found: list[Source] = []
    for path in _json_files(folder):
        try:
            source = read_source(path)
        except InvalidArtifact:
            continue
        if source.code is not None:
            found.append(source)
    return found


def _json_files(folder: Path) -> Iterator[Path]:
    read = 0
    for path in sorted(folder.rglob("*.json")):
        if len(path.relative_to(folder).parts) > FOLDER_DEPTH_MAX or path.name.endswith(
            ".dbg.json"
        ):
            continue
        if read == ARTIFACT_FILES_MAX:
            return
        read += 1
        yield path


def _bytecode(deployed: object) -> tuple[str, object]:
    """Hardhat has the code as text, Foundry as an object with the immutables beside it."""
    if isinstance(deployed, dict):
        return str(deployed.get("object", "")), deployed.get("immutableReferences")
    return deployed if isinstance(deployed, str) else "", None


def _unlinked(text: str) -> tuple[bytes, tuple[tuple[int, int], ...]]:
    text = text.removeprefix("0x")
    libraries = tuple((found.start() // 2, 20) for found in _PLACEHOLDER.finditer(text))
    return bytes.fromhex(_PLACEHOLDER.sub("00" * 20, text)), libraries


def _immutables(references: object) -> Iterator[tuple[int, int]]:
    """Places of immutables: by AST id in Foundry's, a list of lists in this repository's."""
    groups = list(references.values()) if isinstance(references, dict) else references
    for group in groups if isinstance(groups, list) else ():
        for one in group if isinstance(group, list) else ():
            if isinstance(one, dict) and {"start", "length"} <= one.keys():
                yield int(one["start"]), int(one["length"])


def _zero_words(code: bytes) -> Iterator[tuple[int, int]]:
    zeros = bytes([_PUSH32]) + bytes(32)
    at = code.find(zeros)
    while at >= 0:
        yield at + 1, 32
        at = code.find(zeros, at + 33)


def _masked(code: bytes, holes: tuple[tuple[int, int], ...]) -> bytes:
    masked = bytearray(code)
    for start, length in holes:
        end = min(start + length, len(masked))
        if 0 <= start < end:
            masked[start:end] = bytes(end - start)
    # A library begins with its own address, which calls of it are told from (PUSH20 of zero).
    if masked[:1] == bytes([_PUSH20]):
        masked[1:21] = bytes(20)
    return bytes(masked)
