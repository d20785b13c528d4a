"""The crashes of `tallystick demo crash`, played on revm: everything happens, and books balance."""

import pytest

from node.demo.shapes import SHAPES
from tests.node.demo.replay import Replay


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("seed", [1, 2])
def test_crash_played_report_by_report_uses_every_line_of_defence(name: str, seed: int) -> None:
    replay = Replay(SHAPES[name], seed)

    found = replay.run()

    print(found, replay.refusals)
    assert found.backstopped > 0
    assert found.fees > 0
    assert found.paid > 0
    assert found.deleveraged > 0
    assert found.pauses > 0
    assert found.gates > 0
