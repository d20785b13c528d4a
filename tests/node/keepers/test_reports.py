"""Reports on paper: what peers publish is read exactly, and refused when it is anything else."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.margin import ReportKind, domain_separator, sign_option_report, sign_report
from genesis.accounts import derive_account
from node.keepers.errors import InvalidReports
from node.keepers.reports import (
    Kind,
    OracleKey,
    Report,
    Subject,
    parse_reports,
    read_reports,
    reports_json,
)
from state.types import Timestamp

ACCOUNT = derive_account(40)
KEY = OracleKey.of_dev_account(ACCOUNT)
DOMAIN = domain_separator(424242)
TIME = Timestamp(1_700_000_000)


def report(kind: Kind = Kind.INDEX, *values: int) -> Report:
    return KEY.sign_report(Subject(kind, 64, 7), values or (10**8,), TIME, DOMAIN)


@pytest.mark.parametrize(
    ("kind", "contract_kind"),
    [(Kind.INDEX, ReportKind.INDEX), (Kind.EXTERNAL, ReportKind.EXTERNAL)],
)
def test_price_is_signed_as_the_contract_reads_it(kind: Kind, contract_kind: ReportKind) -> None:
    expected = sign_report(64, 7, 10**8, TIME, ACCOUNT.key, DOMAIN, contract_kind)

    assert report(kind).as_tuple() == expected.as_tuple()


def test_option_inputs_are_signed_as_the_contract_reads_them() -> None:
    expected = sign_option_report(64, 7, 1, 2, 3, TIME, ACCOUNT.key, DOMAIN)

    assert report(Kind.OPTION, 1, 2, 3).as_tuple() == expected.as_tuple()


def test_signer_is_recovered_and_of_changed_reports_is_not() -> None:
    signed = report()
    changed = Report(signed.subject, (signed.values[0] + 1,), TIME, signed.v, signed.r, signed.s)
    garbage = Report(signed.subject, signed.values, TIME, 99, b"\xff" * 32, b"\xff" * 32)

    assert signed.signer(DOMAIN) == KEY.address
    assert changed.signer(DOMAIN) != KEY.address
    assert garbage.signer(DOMAIN) is None


def test_reports_written_are_reports_read(tmp_path: Path) -> None:
    reports = (report(), report(Kind.EXTERNAL), report(Kind.OPTION, 1, 2, 2**64 - 1))
    path = tmp_path / "reports.json"
    path.write_bytes(reports_json(reports))

    assert read_reports(path) == reports
    assert read_reports(tmp_path / "none") == ()


GOOD = json.loads(reports_json([report()]))["reports"][0]


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b'{"reports": {}}', b'{"reports": [1]}', b"[" * 9_999, b"\xff"]
    + [
        json.dumps({"reports": [GOOD | change]}).encode()
        for change in (
            {"kind": "weather"}, {"kind": []}, {"id": -1}, {"id": 2**32}, {"id": True},
            {"round": "7"}, {"values": []}, {"values": [1]}, {"values": ["1", "2"]},
            {"values": [str(2**64)]}, {"values": ["01"]}, {"timestamp": 1.5}, {"v": 256},
            {"r": "0x"}, {"s": None},
        )
    ],
)  # fmt: skip
def test_anything_else_is_invalid(data: bytes) -> None:
    with pytest.raises(InvalidReports):
        parse_reports(data)


@given(st.binary(max_size=200))
def test_noise_never_raises_anything_but_invalid_reports(data: bytes) -> None:
    with contextlib.suppress(InvalidReports):
        parse_reports(data)


def test_key_does_not_show_or_travel() -> None:
    assert ACCOUNT.key.hex() not in repr(KEY)
    with pytest.raises(TypeError):
        KEY.__reduce__()
