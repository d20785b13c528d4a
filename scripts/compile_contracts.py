#!/usr/bin/env python3
"""Compile the Solidity sources into the artifacts that are committed beside them.

    scripts/compile_contracts.py                 write what is out of date
    scripts/compile_contracts.py --force         recompile and write everything
    scripts/compile_contracts.py --check         recompile everything, compare byte for byte
    scripts/compile_contracts.py --only Portal   one contract (may be repeated)

Every deployable contract (`contract`, not `abstract contract`, `interface` or `library`) of a
source folder has one artifact, `<folder>/artifacts/<Name>.json`. A contract is compiled with the
files that it imports and no others, so that its bytecode does not depend on its neighbours.
Needs only Python, Node.js and the packages of package-lock.json (`npm ci`).
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

SOURCE_FOLDERS = ("execution/contracts", "bridge/contracts", "tests/contracts")
"""Where Solidity lives: L2, L1, and what only tests deploy (attackers, receivers)."""

COMPILER_VERSION = "0.8.37"

CODE_SIZE_MAX = 24_576
"""EIP-170's limit of deployed code, in bytes. Predeploys keep to it too."""

LANES_MAX = 4
"""Compilers at once; each takes some hundred MB."""

DEFAULT_RUNS = 200
RUNS: dict[str, int] = {"Reads": 20_000, "Settlement": 20_000}
"""Optimizer runs of contracts where size or speed calls for another number: every fill runs
Settlement, every question after an account's margin Reads, and it saves 2% of the gas for 2 KB of
code."""

_CONTRACT = re.compile(r"^contract\s+(\w+)", re.MULTILINE)
_IMPORT = re.compile(r"^import\s+(?:[^\"';]*\sfrom\s+)?[\"']([^\"']+)[\"']\s*;", re.MULTILINE)
_AST_ID = re.compile(r"\)\d+")


class CompileError(Exception):
    """The sources don't compile, or the compiler isn't the pinned one."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One deployable contract and the file it is in, relative to the repository."""

    name: str
    source: PurePosixPath
    folder: str

    @property
    def artifact_path(self) -> Path:
        return ROOT / self.folder / "artifacts" / f"{self.name}.json"


def find_units(folders: Iterable[str] = SOURCE_FOLDERS) -> list[Unit]:
    """All deployable contracts, in a fixed order. Raises `CompileError` on two of one name."""
    units = []
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.sol")):
            source = PurePosixPath(path.relative_to(ROOT).as_posix())
            names = _CONTRACT.findall(path.read_text(encoding="utf-8"))
            units += [Unit(name, source, folder) for name in names]
    by_artifact: dict[Path, Unit] = {}
    for unit in units:
        other = by_artifact.setdefault(unit.artifact_path, unit)
        if other is not unit:
            raise CompileError(f"{unit.name} is in {other.source} and in {unit.source}")
    return units


def read_sources(entry: PurePosixPath) -> dict[str, str]:
    """The text of `entry` and of everything it imports, by path. Imports are relative."""
    sources: dict[str, str] = {}
    pending = [entry]
    while pending:
        path = pending.pop()
        if str(path) in sources:
            continue
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise CompileError(f"{path} is imported but isn't there") from error
        sources[str(path)] = text
        pending += [_resolve(path, target) for target in _IMPORT.findall(text)]
    return dict(sorted(sources.items()))


def _resolve(importer: PurePosixPath, target: str) -> PurePosixPath:
    """The repository path that a relative import means, as solc resolves it."""
    if not target.startswith("."):
        raise CompileError(f"{importer} imports {target}: write it as a relative path")
    parts = list(importer.parent.parts)
    for part in PurePosixPath(target).parts:
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return PurePosixPath(*parts)


def compiler_input(unit: Unit) -> dict[str, Any]:
    """The standard-json input of one contract."""
    output = [
        "abi",
        "evm.bytecode.object",
        "evm.bytecode.linkReferences",
        "evm.deployedBytecode.object",
        "evm.deployedBytecode.immutableReferences",
        "storageLayout",
    ]
    return {
        "language": "Solidity",
        "sources": {path: {"content": text} for path, text in read_sources(unit.source).items()},
        "settings": {
            "viaIR": True,
            "optimizer": {"enabled": True, "runs": RUNS.get(unit.name, DEFAULT_RUNS)},
            "evmVersion": "cancun",
            "metadata": {"bytecodeHash": "none", "appendCBOR": False},
            "outputSelection": {str(unit.source): {unit.name: output}},
        },
    }


def source_hash(request: dict[str, Any]) -> str:
    """What an artifact was made from: compiler, settings and sources, as one SHA-256."""
    text = json.dumps([COMPILER_VERSION, request], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def compile_units(units: Sequence[Unit]) -> list[tuple[Unit, str]]:
    """Compile each unit on all cores; returns it with the text of its artifact.

    Raises `CompileError` with every message.
    """
    compiled, failures = compile_what_can(units)
    if failures:
        raise CompileError("\n".join(failures))
    return compiled


def compile_what_can(units: Sequence[Unit]) -> tuple[list[tuple[Unit, str]], list[str]]:
    """What compiles, in the order of `units`, and the messages about what doesn't."""
    lanes = max(1, min(os.cpu_count() or 1, LANES_MAX, len(units)))
    with ThreadPoolExecutor(lanes) as pool:
        results = list(pool.map(_compile_lane, (units[i::lanes] for i in range(lanes))))
    compiled = [pair for done, _ in results for pair in done]
    failures = [message for _, failed in results for message in failed]
    return sorted(compiled, key=lambda pair: units.index(pair[0])), failures


def _compile_lane(units: Sequence[Unit]) -> tuple[list[tuple[Unit, str]], list[str]]:
    """Compile units one after the other in one process of the compiler."""
    compiled, failures = [], []
    process = subprocess.Popen(
        ["node", str(ROOT / "scripts" / "solc.js")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    with process:
        _check_version(_read_answer(process))
        for unit in units:
            try:
                request = compiler_input(unit)
                _send(process, request)
                compiled.append((unit, artifact_text(unit, request, _read_answer(process))))
            except CompileError as error:
                failures.append(f"{unit.name}: {error}")
    return compiled, failures


def _send(process: "subprocess.Popen[str]", request: dict[str, Any]) -> None:
    if process.stdin is None:
        raise CompileError("the compiler has no stdin")
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()


def _read_answer(process: "subprocess.Popen[str]") -> dict[str, Any]:
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise CompileError("the compiler ended early; is node_modules there? (npm ci)")
    answer: dict[str, Any] = json.loads(line)
    return answer


def _check_version(greeting: dict[str, Any]) -> None:
    version = str(greeting["version"])
    if not version.startswith(f"{COMPILER_VERSION}+"):
        raise CompileError(f"solc is {version}, want {COMPILER_VERSION}; run npm ci")


def artifact_text(unit: Unit, request: dict[str, Any], answer: dict[str, Any]) -> str:
    """The artifact file of one contract. Raises `CompileError` with solc's own messages."""
    problems = [e for e in answer.get("errors", []) if _is_problem(e)]
    if problems:
        raise CompileError("\n".join(e["formattedMessage"] for e in problems))
    contract = answer["contracts"][str(unit.source)][unit.name]
    evm = contract["evm"]
    if evm["bytecode"]["linkReferences"]:
        raise CompileError(f"{unit.name} calls an external library; make its functions internal")
    deployed = evm["deployedBytecode"]
    size = len(deployed["object"]) // 2
    if size > CODE_SIZE_MAX:
        raise CompileError(f"{unit.name} has {size} bytes of code, {size - CODE_SIZE_MAX} too many")
    artifact = {
        "contractName": unit.name,
        "sourceName": str(unit.source),
        "sourceHash": source_hash(request),
        "abi": contract["abi"],
        "bytecode": "0x" + evm["bytecode"]["object"],
        "deployedBytecode": "0x" + deployed["object"],
        "immutableReferences": list(deployed.get("immutableReferences", {}).values()),
        "storageLayout": storage_layout(contract["storageLayout"]),
    }
    return json.dumps(artifact, indent=1) + "\n"


def _is_problem(error: dict[str, Any]) -> bool:
    """Warnings count as errors, except in contracts that only tests deploy."""
    if error["severity"] == "error":
        return True
    location = error.get("sourceLocation") or {}
    is_test = str(location.get("file", "")).startswith("tests/")
    return error["severity"] == "warning" and not is_test


def storage_layout(layout: dict[str, Any]) -> dict[str, Any]:
    """solc's layout without AST numbers, which change with every edit above them."""

    def strip(value: Any) -> Any:
        if isinstance(value, dict):
            return {strip(k): strip(v) for k, v in value.items() if k != "astId"}
        if isinstance(value, list):
            return [strip(v) for v in value]
        return _AST_ID.sub(")", value) if isinstance(value, str) else value

    types = layout.get("types") or {}
    stripped: dict[str, Any] = strip({"storage": layout["storage"], "types": types})
    if len(stripped["types"]) != len(types):
        raise CompileError("two types in one storage layout have the same name; rename one")
    return stripped


def is_current(unit: Unit) -> bool:
    """Whether the artifact says that it was made from the sources as they stand."""
    try:
        artifact = json.loads(unit.artifact_path.read_text(encoding="utf-8"))
        return bool(artifact.get("sourceHash") == source_hash(compiler_input(unit)))
    except (FileNotFoundError, CompileError):
        return False


def check(units: Sequence[Unit]) -> list[str]:
    """Recompile and compare; returns one sentence for each difference."""
    problems = []
    for unit, text in compile_units(units):
        path = unit.artifact_path
        if not path.exists():
            problems.append(f"{unit.name}: no artifact; run scripts/compile_contracts.py")
        elif path.read_bytes() != text.encode():
            problems.append(f"{unit.name}: the artifact differs from what {unit.source} gives")
    return problems


def find_orphans(units: Sequence[Unit]) -> list[Path]:
    """Artifacts whose source is gone."""
    known = {unit.artifact_path for unit in units}
    found = [p for f in SOURCE_FOLDERS for p in (ROOT / f / "artifacts").glob("*.json")]
    return [path for path in found if path not in known]


def write(units: Sequence[Unit]) -> None:
    """Compile and write each artifact, printing its size. Raises `CompileError` at the end."""
    compiled, failures = compile_what_can(units)
    for unit, text in compiled:
        unit.artifact_path.parent.mkdir(exist_ok=True)
        unit.artifact_path.write_text(text, encoding="utf-8")
        size = (len(json.loads(text)["deployedBytecode"]) - 2) // 2
        print(f"{unit.name:28} {size:6} bytes  {unit.artifact_path.relative_to(ROOT)}")
    if failures:
        raise CompileError("\n".join(failures))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when all is well, 1 with the reasons on stderr otherwise."""
    parser = argparse.ArgumentParser(description="Compile the Solidity sources.")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--force", action="store_true", help="recompile what is current too")
    parser.add_argument("--only", action="append", metavar="NAME", help="this contract alone")
    options = parser.parse_args(arguments)
    try:
        return _run(options)
    except CompileError as error:
        print(error, file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> int:
    every = find_units()
    units = [u for u in every if not options.only or u.name in options.only]
    unknown = set(options.only or ()) - {u.name for u in units}
    if unknown:
        raise CompileError(f"no such contract: {', '.join(sorted(unknown))}")
    orphans = find_orphans(every)
    if options.check:
        problems = check(units) + [f"{p.relative_to(ROOT)}: its source is gone" for p in orphans]
        print("\n".join(problems) or f"{len(units)} artifacts match their sources")
        return 1 if problems else 0
    for path in orphans:
        path.unlink()
        print(f"removed {path.relative_to(ROOT)}")
    write([u for u in units if options.force or options.only or not is_current(u)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
