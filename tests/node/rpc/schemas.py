"""The strict JSON schemas of execution-apis, as a check on results.

Found under `EXECUTION_APIS`, by default beside the repository; tests that need them are skipped
where they are not there.
"""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

ROOT = Path(__file__).resolve().parents[3]
FOLDER = Path(os.environ.get("EXECUTION_APIS", ROOT.parent / "shared" / "execution-apis"))


@cache
def methods() -> dict[str, dict[str, Any]]:
    """Every specified method by its name."""
    document = json.loads((FOLDER / "openrpc.json").read_text())
    return {method["name"]: method for method in document["methods"]}


def is_available() -> bool:
    return (FOLDER / "openrpc.json").is_file()


@cache
def _validator(method: str) -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator(methods()[method]["result"]["schema"])


def check_result(method: str, result: object) -> None:
    """Fail where a result is not what the method may return; briefly, for schemas are long."""
    errors = [f"{error.json_path}: {error.message:.200}" for error in _errors(method, result)]
    assert not errors, f"{method}: {errors}"


def check_against(schema: dict[str, Any], value: object) -> None:
    """Fail where a value is not what one schema says."""
    errors = jsonschema.Draft7Validator(schema).iter_errors(value)
    assert not [f"{error.json_path}: {error.message:.200}" for error in errors]


def _errors(method: str, result: object) -> list[jsonschema.ValidationError]:
    return list(_validator(method).iter_errors(result))


def unknown_fields(schema: dict[str, Any], value: object) -> set[str]:
    """Names of members that no branch of the schema knows, at any depth."""
    if isinstance(value, list):
        inner = [branch.get("items", {}) for branch in _branches(schema)]
        merged = {"anyOf": inner}
        return set().union(*(unknown_fields(merged, item) for item in value), set())
    if not isinstance(value, dict):
        return set()
    known: dict[str, list[dict[str, Any]]] = {}
    free = False
    for branch in _branches(schema):
        free = free or isinstance(branch.get("additionalProperties"), dict)
        for name, inner in branch.get("properties", {}).items():
            known.setdefault(name, []).append(inner)
    found = set() if free else value.keys() - known.keys()
    for name, item in value.items():
        found |= unknown_fields({"anyOf": known.get(name, [])}, item) if name in known else set()
    return found


def _branches(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """A schema and all its alternatives."""
    branches = [schema]
    for kind in ("oneOf", "anyOf", "allOf"):
        for alternative in schema.get(kind, ()):
            branches += _branches(alternative)
    return branches
