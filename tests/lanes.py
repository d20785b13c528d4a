"""How test files are dealt out to the workers of pytest-xdist.

A devnet's test waits for most of its time: for blocks, for windows, for a process that comes back.
Two such tests side by side leave the machine idle, and disturb each other when both do need it. So
one worker of three has the files that wait, one after the other, and the rest compute meanwhile;
who is through with its own helps the others. There is a worker more than processors, therefore.

xdist by itself starts with the files of the most tests. Those that take the longest hold few, would
come last, and one worker would end minutes after the others.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

ROOT: Final = Path(__file__).parents[1]
WAITING: Final = ("tests/devnet/", "tests/docs/")
"""Folders whose tests wait more than they compute."""
PAGES: Final = "tests/docs/test_commands.py::test_commands_of_the_page"
"""Each page is a reader's session of its own, so that pages need not stay in one worker."""
SECONDS: Final[dict[str, int]] = {}
"""What takes longest, as measured on two cores: only the order matters."""


def lane_of(worker: str) -> bool:
    """Whether this worker begins with what waits; xdist names its workers gw0, gw1 and so on."""
    return int(worker.removeprefix("gw")) % 3 == 0


def is_waiting(scope: str) -> bool:
    return scope.startswith(WAITING)


def next_scope(scopes: Iterable[str], worker: str) -> str:
    """The scope that a free worker takes: of its lane if there is one, the longest first.

    Among those that no measurement tells apart it is the first, which has the most tests.
    """
    lane = lane_of(worker)
    return max(scopes, key=lambda scope: (is_waiting(scope) is lane, SECONDS.get(scope, 0)))


class Lanes(LoadFileScheduling):
    """Deals out whole files, and pages one by one."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if nodeid.startswith(PAGES) else super()._split_scope(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        scope = next_scope(self.workqueue, node.gateway.id)
        self.workqueue.move_to_end(scope, last=False)
        super()._assign_work_unit(node)
