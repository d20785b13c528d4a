"""What oracle signers sign: prices, and the inputs that options are priced with.

Units: prices p8 (1e-8 USD), discounts and volatilities wad (1e-18), times seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from execution.contracts.abi import clearing_house
from execution.margin.typed_data import sign_digest, typed_digest, word
from state.keccak import keccak
from state.types import Hash32, Timestamp

OPTION_REPORT_TYPE: Final = keccak(
    b"OptionReport(uint32 strike,uint32 round,uint64 forward,uint64 discount,uint64 volatility,"
    b"uint40 timestamp)"
)
"""EIP-712 type hash of a report of a strike's inputs."""


class ReportKind(IntEnum):
    """What a price report is about: the index, or the external perpetual."""

    INDEX = 0
    EXTERNAL = 1

    @property
    def type_hash(self) -> Hash32:
        """EIP-712 type hash of the report."""
        name = b"PriceReport" if self is ReportKind.INDEX else b"ExternalPriceReport"
        return keccak(name + b"(uint32 market,uint32 round,uint64 price,uint40 timestamp)")


@dataclass(frozen=True, slots=True)
class SignedReport:
    """One oracle signer's price (p8) in a round."""

    price: int
    timestamp: Timestamp
    v: int
    r: bytes
    s: bytes

    def as_tuple(self) -> tuple[int, int, int, bytes, bytes]:
        """As the ABI wants it."""
        return (self.price, self.timestamp, self.v, self.r, self.s)


def sign_report(
    market: int,
    round_: int,
    price: int,
    timestamp: Timestamp,
    key: bytes,
    domain: Hash32,
    kind: ReportKind = ReportKind.INDEX,
) -> SignedReport:
    """Sign a price report with an oracle signer's 32-byte key."""
    digest = typed_digest(domain, kind.type_hash, (market, round_, price, timestamp))
    r, s, parity = sign_digest(digest, key)
    return SignedReport(price, timestamp, 27 + parity, r, word(s))


def report_call(
    market: int,
    round_: int,
    reports: Sequence[SignedReport],
    kind: ReportKind = ReportKind.INDEX,
) -> bytes:
    """Calldata that relays one round of reports."""
    name = "reportPrice" if kind is ReportKind.INDEX else "reportExternalPrice"
    return clearing_house().call(name, market, round_, [r.as_tuple() for r in reports])


@dataclass(frozen=True, slots=True)
class SignedOptionReport:
    """One oracle signer's inputs of a strike in a round: forward p8, the other two wad."""

    forward: int
    discount: int
    volatility: int
    timestamp: Timestamp
    v: int
    r: bytes
    s: bytes

    def as_tuple(self) -> tuple[int, int, int, int, int, bytes, bytes]:
        """As the ABI wants it."""
        inputs = (self.forward, self.discount, self.volatility, self.timestamp)
        return (*inputs, self.v, self.r, self.s)


def sign_option_report(
    strike: int,
    round_: int,
    forward: int,
    discount: int,
    volatility: int,
    timestamp: Timestamp,
    key: bytes,
    domain: Hash32,
) -> SignedOptionReport:
    """Sign a strike's option inputs with an oracle signer's 32-byte key."""
    members = (strike, round_, forward, discount, volatility, timestamp)
    r, s, parity = sign_digest(typed_digest(domain, OPTION_REPORT_TYPE, members), key)
    return SignedOptionReport(forward, discount, volatility, timestamp, 27 + parity, r, word(s))


def option_report_call(strike: int, round_: int, reports: Sequence[SignedOptionReport]) -> bytes:
    """Calldata that relays one round of a strike's inputs; `strike` is its even id."""
    tuples = [report.as_tuple() for report in reports]
    return clearing_house().call("reportOptionInputs", strike, round_, tuples)
