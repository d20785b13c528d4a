"""kill -9 between and during commits, with an L1 reorg in between: the chain is what L1 says."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bridge.derive.conftest import MakeRig
from tests.bridge.derive.crash_child import history

ROOT = Path(__file__).resolve().parents[3]


def _run_and_kill(folder: Path, name: str, after_lines: int) -> int:
    """Run the child until it has said so many lines, kill it, and return the last safe block."""
    command = [sys.executable, "-m", "tests.bridge.derive.crash_child", str(folder), name]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        lines = []
        for line in child.stdout:
            lines.append(line.strip())
            if len(lines) == after_lines or line.startswith("done"):
                break
        child.kill()
        lines += [line.strip() for line in child.stdout if line.endswith("\n")]
    numbers = [int(line) for line in lines if line != "done"]
    assert numbers, "the child said nothing"
    return numbers[-1]


@pytest.mark.slow
def test_killed_node_resumes_and_converges(tmp_path: Path, make_rig: MakeRig) -> None:
    folder = tmp_path / "chain"
    for name, after_lines in (("main", 3), ("main", 12), ("fork", 2), ("main", 5), ("fork", 9)):
        acknowledged = _run_and_kill(folder, name, after_lines)
        rig = make_rig(folder)
        assert rig.safe.number >= acknowledged
        rig.close()
    survivor = make_rig(folder).follow(history("fork"))
    assert survivor.chain() == make_rig().follow(history("fork")).chain()
