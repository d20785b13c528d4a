"""The machine: versions, limits of the system, disk and ports."""

import errno
import re
import resource
import shutil
import socket
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Final

from node.devnet_nodes import HOST
from node.doctor.findings import Finding, failed, ok, warning
from node.doctor.limits import DISK_BYTES_FAILED, DISK_BYTES_WARNING, OPEN_FILES_MIN

DISTRIBUTION: Final = "tallystick"
_PYTHON_MIN: Final = (3, 11)
_REQUIREMENT: Final = re.compile(r"([A-Za-z0-9._-]+)(==|>=)([0-9][A-Za-z0-9.]*)(.*)")
_GIBIBYTE: Final = 2**30


def examine_python() -> Iterator[Finding]:
    """The interpreter, and the packages that this version was tested with."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _PYTHON_MIN:
        yield failed("Python", version, "install Python 3.11 or newer")
    else:
        yield ok("Python", version)
    if sys.flags.optimize:
        yield failed(
            "Python", "runs with -O, and libraries check consensus with assert", "leave out -O"
        )
    yield from _examine_packages()


def _examine_packages() -> Iterator[Finding]:
    try:
        requirements = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        yield warning(
            "packages", f"{DISTRIBUTION} isn't installed, so its requirements aren't known",
            "pip install --require-hashes -r requirements/runtime.txt, then pip install .",
        )  # fmt: skip
        return
    wrong = []
    for requirement in requirements:
        found = _REQUIREMENT.fullmatch(requirement.replace(" ", ""))
        if found is not None and "extra==" not in found[4]:
            wrong += _wrong_version(found[1], found[2], found[3])
    if wrong:
        remedy = "pip install --require-hashes -r requirements/runtime.txt"
        yield failed("packages", "; ".join(wrong), remedy)
    else:
        yield ok("packages", "all in the versions that were tested")
    yield _examine_libp2p()


def _wrong_version(name: str, relation: str, wanted: str) -> list[str]:
    try:
        have = metadata.version(name)
    except metadata.PackageNotFoundError:
        return [f"{name} is missing"]
    fits = have == wanted if relation == "==" else _parts(have) >= _parts(wanted)
    return [] if fits else [f"{name} is {have}, not {relation}{wanted}"]


def _parts(version: str) -> tuple[int, ...]:
    """The numbers of a version, as far as they are numbers."""
    leading = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, leading[0].split("."))) if leading else ()


def _examine_libp2p() -> Finding:
    try:
        return ok("libp2p", metadata.version("libp2p"))
    except metadata.PackageNotFoundError:
        return warning(
            "libp2p", "not installed: replicas and peers don't work",
            "pip install --require-hashes -r requirements/p2p.txt",
        )  # fmt: skip


def examine_open_files() -> Finding:
    """The limit of open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= OPEN_FILES_MIN:
        return ok("open files", f"{soft:,} at a time" if soft > 0 else "unlimited")
    remedy = (
        f"ulimit -n {OPEN_FILES_MIN} before the start (allowed up to {hard:,}), or LimitNOFILE="
    )
    return failed("open files", f"only {soft:,} at a time", f"{remedy} in systemd")


def examine_disk(folder: Path) -> Finding:
    """Free room where the data is, or will be."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    what = f"{free / _GIBIBYTE:,.1f} GiB free for {folder}"
    if free < DISK_BYTES_FAILED:
        return failed("disk", what, "free some room: a node stops when it can't write")
    if free < DISK_BYTES_WARNING:
        return warning("disk", what, "free some room, or name another --data-dir")
    return ok("disk", what)


def examine_ports(ports: Mapping[str, int]) -> Iterator[Finding]:
    """Whether a devnet could listen; ports by the options that change them."""
    taken = {option: port for option, port in ports.items() if is_taken(port)}
    for option, port in taken.items():
        yield failed(
            "ports", f"{port} is used by another program",
            f"stop it (`ss -ltnp sport = :{port}` names it), or choose another with {option}",
        )  # fmt: skip
    if not taken:
        yield ok("ports", f"{', '.join(map(str, ports.values()))} are free")


def is_taken(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False
