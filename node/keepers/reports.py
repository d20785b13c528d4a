"""Signed reports of the oracle: made with keys at hand, or read from what other signers publish.

A file of reports is JSON, numbers as in the contract (p8, wad, seconds) and signatures in hex:

    {"reports": [{"kind": "index", "id": 0, "round": 7, "values": ["6425030000000"],
                  "timestamp": 1700000000, "v": 27, "r": "0x..", "s": "0x.."}]}

An index or external price has one value; an option's inputs are forward, discount, volatility.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bridge.l1.accounts import Operator
from execution.contracts.abi import clearing_house
from execution.errors import InvalidSignature
from execution.margin import OPTION_REPORT_TYPE, ReportKind
from execution.margin.typed_data import sign_digest, typed_digest, word
from execution.transactions import recover
from node.keepers.errors import FeedUnavailable, InvalidReports
from node.keepers.files import parse_list, read_bounded
from node.keepers.limits import PEER_REPORTS_MAX
from state.types import Address, Hash32, Timestamp

_BYTES32 = re.compile(r"0x[0-9a-f]{64}", re.IGNORECASE)
_NUMBER = re.compile(r"0|[1-9][0-9]{0,19}")


class Kind(StrEnum):
    """What a report is about."""

    INDEX = "index"
    EXTERNAL = "external"
    OPTION = "option"

    @property
    def type_hash(self) -> Hash32:
        """EIP-712 type hash of its reports."""
        if self is Kind.OPTION:
            return OPTION_REPORT_TYPE
        return ReportKind[self.name].type_hash

    @property
    def function(self) -> str:
        """The function that takes a round of them."""
        return {
            Kind.INDEX: "reportPrice",
            Kind.EXTERNAL: "reportExternalPrice",
            Kind.OPTION: "reportOptionInputs",
        }[self]

    @property
    def values(self) -> int:
        """How many numbers one carries."""
        return 3 if self is Kind.OPTION else 1


@dataclass(frozen=True, slots=True)
class Subject:
    """One round of one market's price, or of one strike's inputs."""

    kind: Kind
    id: int
    round: int

    def __str__(self) -> str:
        where = "strike" if self.kind is Kind.OPTION else "market"
        return f"{self.kind} of {where} {self.id}, round {self.round}"


@dataclass(frozen=True, slots=True)
class Report:
    """What one signer says in a round: values p8, and of options p8, wad and wad."""

    subject: Subject
    values: tuple[int, ...]
    timestamp: Timestamp
    v: int
    r: bytes
    s: bytes

    def digest(self, domain: Hash32) -> Hash32:
        """What is signed (EIP-712)."""
        return _digest(self.subject, self.values, self.timestamp, domain)

    def signer(self, domain: Hash32) -> Address | None:
        """Whose signature it is; None where it is nobody's."""
        try:
            return recover(
                self.digest(domain),
                self.v - 27,
                int.from_bytes(self.r, "big"),
                int.from_bytes(self.s, "big"),
            )
        except InvalidSignature:
            return None

    def as_tuple(self) -> tuple[object, ...]:
        """As the ABI wants it."""
        return (*self.values, self.timestamp, self.v, self.r, self.s)


class OracleKey(Operator):
    """A signer of the oracle. Like every key here it goes in once and never comes out."""

    __slots__ = ()

    def sign_report(
        self, subject: Subject, values: tuple[int, ...], timestamp: Timestamp, domain: Hash32
    ) -> Report:
        """Sign what this signer says."""
        r, s, parity = sign_digest(_digest(subject, values, timestamp, domain), self._key)
        return Report(subject, values, timestamp, 27 + parity, r, word(s))


def round_call(subject: Subject, reports: Sequence[Report]) -> bytes:
    """Calldata that relays a round."""
    tuples = [report.as_tuple() for report in reports]
    return clearing_house().call(subject.kind.function, subject.id, subject.round, tuples)


def read_reports(path: Path) -> tuple[Report, ...]:
    """What a peer has published; nothing where there is no such file yet.

    Raises `InvalidReports`.
    """
    try:
        data = read_bounded(path)
    except FeedUnavailable:
        return ()
    return parse_reports(data)


def parse_reports(data: bytes) -> tuple[Report, ...]:
    """Reports from JSON. Raises `InvalidReports`, which names what is wrong."""
    entries = parse_list(data, "reports", InvalidReports)
    if len(entries) > PEER_REPORTS_MAX:
        raise InvalidReports(f"more than {PEER_REPORTS_MAX} reports")
    return tuple(_parse_report(entry) for entry in entries)


def reports_json(reports: Iterable[Report]) -> bytes:
    """Reports as JSON, which `parse_reports` reads back."""
    entries = [
        {
            "kind": str(one.subject.kind),
            "id": one.subject.id,
            "round": one.subject.round,
            "values": [str(value) for value in one.values],
            "timestamp": one.timestamp,
            "v": one.v,
            "r": f"0x{one.r.hex()}",
            "s": f"0x{one.s.hex()}",
        }
        for one in reports
    ]
    return json.dumps({"reports": entries}, indent=1).encode()


def _digest(
    subject: Subject, values: tuple[int, ...], timestamp: Timestamp, domain: Hash32
) -> Hash32:
    members = (subject.id, subject.round, *values, timestamp)
    return typed_digest(domain, subject.kind.type_hash, members)


def _parse_report(entry: object) -> Report:
    if not isinstance(entry, dict) or entry.get("kind") not in tuple(Kind):
        raise InvalidReports(f"not a report: {entry!r:.60}")
    kind = Kind(entry["kind"])
    values = entry.get("values")
    if not isinstance(values, list) or len(values) != kind.values:
        raise InvalidReports(f"a report of kind {kind} has {kind.values} values")
    subject = Subject(kind, _uint(entry, "id", 32), _uint(entry, "round", 32))
    return Report(
        subject,
        tuple(_number(value) for value in values),
        Timestamp(_uint(entry, "timestamp", 40)),
        _uint(entry, "v", 8),
        _bytes32(entry, "r"),
        _bytes32(entry, "s"),
    )


def _uint(entry: dict[str, object], name: str, bits: int) -> int:
    value = entry.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << bits:
        raise InvalidReports(f"{name} is no uint{bits}: {value!r:.40}")
    return value


def _number(value: object) -> int:
    if not isinstance(value, str) or not _NUMBER.fullmatch(value) or int(value) >= 1 << 64:
        raise InvalidReports(f"a value is no uint64 as a decimal string: {value!r:.40}")
    return int(value)


def _bytes32(entry: dict[str, object], name: str) -> bytes:
    value = entry.get(name)
    if not isinstance(value, str) or not _BYTES32.fullmatch(value):
        raise InvalidReports(f"{name} is not 32 bytes in hex: {value!r:.40}")
    return bytes.fromhex(value[2:])
