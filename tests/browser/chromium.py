"""The browser that npm brought: unpacked once, with the libraries that a bare machine lacks.

`@sparticuz/chromium` carries it as a Brotli file in the package itself, so that package-lock.json
pins it by hash and nothing is fetched at run time. `TALLYSTICK_CHROMIUM` names another one.
"""

import json
import os
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Playwright

PACKAGE: Final = Path("node_modules/@sparticuz/chromium")
UNPACK_SECONDS_MAX: Final = 120

_INFLATE: Final = """
const { createReadStream, createWriteStream } = require("node:fs");
const { pipeline } = require("node:stream");
const { createBrotliDecompress } = require("node:zlib");
const [from, to] = process.argv.slice(1);
pipeline(createReadStream(from), createBrotliDecompress(), createWriteStream(to, { mode: 0o755 }),
  (error) => { if (error) throw error; });
"""

_ARGUMENTS: Final = (
    "--no-sandbox",  # tests may run as root; the pages are our own
    "--no-zygote",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",  # a browser on its own account asks nobody
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


def launch(playwright: Playwright) -> Browser:
    """A browser of its own profile."""
    given = os.environ.get("TALLYSTICK_CHROMIUM")
    if given:
        return playwright.chromium.launch(executable_path=given, args=[*_ARGUMENTS])
    folder = _unpacked()
    return playwright.chromium.launch(
        executable_path=folder / "chromium",
        args=[*_ARGUMENTS, "--headless=shell"],
        env={**os.environ, "LD_LIBRARY_PATH": str(folder / "lib")},
    )


def _unpacked() -> Path:
    """The folder of the browser; tests in other processes may be unpacking it as well."""
    version = json.loads((PACKAGE / "package.json").read_text())["version"]
    cache = Path("node_modules/.cache").resolve()
    folder = cache / f"chromium-{version}"
    if not folder.exists():
        cache.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            fresh = Path(scratch) / "chromium"
            fresh.mkdir()
            _inflate("chromium.br", fresh / "chromium")
            _inflate("al2023.tar.br", fresh / "libraries.tar")
            with tarfile.open(fresh / "libraries.tar") as libraries:
                libraries.extractall(fresh, filter="data")
            _publish(fresh, folder)
    return folder


def _inflate(name: str, target: Path) -> None:
    subprocess.run(
        ["node", "-e", _INFLATE, str(PACKAGE / "bin" / name), str(target)],
        check=True,
        timeout=UNPACK_SECONDS_MAX,
    )


def _publish(fresh: Path, folder: Path) -> None:
    try:
        fresh.rename(folder)
    except OSError:
        if not folder.exists():
            raise  # another process was no faster: something else is wrong
