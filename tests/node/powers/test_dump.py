"""Dumps as files: what is read is what was written, and nothing else is read."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from node.powers import dump
from node.powers.errors import PowerRefused


def archive_of(path: Path, *members: tuple[str, bytes]) -> Path:
    """A packed archive with these members, in order."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def head(version: object = 1) -> tuple[str, bytes]:
    return "dump.json", json.dumps({"format": "tallystick-devnet", "version": version}).encode()


def test_unpacked_equals_packed(tmp_path: Path) -> None:
    folder = tmp_path / "snapshot"
    (folder / "l1" / "db").mkdir(parents=True)
    (folder / "l1" / "db" / "000001.ldb").write_bytes(b"table")
    (folder / "snapshot.json").write_text("{}")
    dump.pack(folder, tmp_path / "dumps" / "one")
    (tmp_path / "again").mkdir()
    dump.unpack(tmp_path / "dumps" / "one", tmp_path / "again")

    assert (tmp_path / "again" / "l1" / "db" / "000001.ldb").read_bytes() == b"table"
    assert (tmp_path / "again" / "snapshot.json").read_text() == "{}"


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([], "no dump"),
        ([("other", b"{}")], "no dump"),
        ([("dump.json", b"[]")], "no dump"),
        ([("dump.json", b"nonsense")], "no dump"),
        ([head(2)], "version 2"),
        ([head(), ("../outside", b"x")], "no dump"),
        ([head(), ("/outside", b"x" * 3)], None),
    ],
)
def test_what_is_no_dump_refused(
    tmp_path: Path, members: list[tuple[str, bytes]], reason: str | None
) -> None:
    (tmp_path / "in" / "folder").mkdir(parents=True)
    packed = archive_of(tmp_path / "packed", *members)
    if reason is None:
        # A leading slash is dropped, as by tar itself.
        dump.unpack(packed, tmp_path / "in" / "folder")
        assert (tmp_path / "in" / "folder" / "outside").exists()
        return
    with pytest.raises(PowerRefused, match=reason):
        dump.unpack(packed, tmp_path / "in" / "folder")
    assert not (tmp_path / "in" / "outside").exists()


def test_bytes_that_are_no_archive_refused(tmp_path: Path) -> None:
    (tmp_path / "packed").write_bytes(b"\x1f\x8b nonsense")
    with pytest.raises(PowerRefused, match="no dump"):
        dump.unpack(tmp_path / "packed", tmp_path)


def test_archive_that_unpacks_to_too_much_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(dump, "DUMP_BYTES_MAX", 1_000)
    packed = archive_of(tmp_path / "packed", head(), ("zeros", bytes(2_000)))
    with pytest.raises(PowerRefused, match="more than 1000 bytes"):
        dump.unpack(packed, tmp_path)


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", ".hidden", "x" * 65, "a\nb"])
def test_name_that_leads_elsewhere_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PowerRefused):
        dump.place_of(tmp_path, name)
