"""How test files are dealt out to the workers of pytest-xdist.

A devnet's test waits for most of its time, for blocks, for windows, for a process that comes back:
it takes a fifth of a processor. So half of the workers begin with the files that wait, the other
half with those that compute, whoever is through with its own helps the others, and there are two
workers more than processors.

xdist by itself starts with the files of the most tests. Those that take the longest hold few, would
come last, and one worker would end minutes after the others.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

ROOT: Final = Path(__file__).parents[1]
WAITING: Final = ("tests/devnet/", "tests/docs/", "tests/scripts/test_benchmarks.py")
"""Where tests wait more than they compute."""
PAGES: Final = "tests/docs/test_commands.py::test_commands_of_the_page"
"""Each page is a reader's session of its own, so that pages need not stay in one worker."""
SECONDS: Final = {
    "tests/devnet/test_challenge.py": 340,
    "tests/node/p2p/test_hostile.py": 290,
    "tests/devnet/test_kill.py": 270,
    "tests/devnet/test_demo_crash.py": 260,
    "tests/devnet/test_commands.py": 260,
    "tests/devnet/test_devnet_life.py": 200,
    "tests/docs/test_help_examples.py": 200,
    "tests/devnet/test_demo_fraud.py": 190,
    f"{PAGES}_do_what_it_shows[tour]": 170,
    "tests/node/p2p/test_feed_tellers.py": 170,
    "tests/devnet/test_l1_trouble.py": 160,
    "tests/devnet/test_powers.py": 130,
    "tests/devnet/test_dashboard.py": 130,
    "tests/devnet/test_powers_bridge.py": 130,
    "tests/devnet/test_on_anvil.py": 130,
    "tests/devnet/test_keepers.py": 120,
    "tests/devnet/test_powers_killed.py": 120,
    "tests/node/p2p/test_feeds.py": 110,
    "tests/scripts/test_benchmarks.py": 110,
    "tests/devnet/test_p2p.py": 100,
    f"{PAGES}_do_what_it_shows[challenging]": 90,
    "tests/devnet/test_margin.py": 90,
    "tests/node/cli/test_trace.py": 90,
    f"{PAGES}_do_what_it_shows[trading-bot]": 80,
    "tests/devnet/test_trading.py": 80,
    "tests/node/p2p/test_replica.py": 60,
    "tests/devnet/test_demo.py": 60,
    "tests/devnet/test_monitor.py": 60,
    "tests/devnet/test_clients.py": 60,
    "tests/devnet/test_powers_sandbox.py": 60,
    "tests/bridge/l1/test_watcher.py": 60,
    "tests/devnet/test_market_maker.py": 60,
    "tests/devnet/test_rollup_end_to_end.py": 60,
    "tests/execution/contracts/test_giant.py": 60,
}
"""What takes a minute or longer, on two loaded processors: only the order matters."""


def begins_waiting(worker: str) -> bool:
    """Whether this worker begins with what waits; xdist names its workers gw0, gw1 and so on."""
    return int(worker.removeprefix("gw")) % 2 == 0


def is_waiting(scope: str) -> bool:
    return scope.startswith(WAITING)


def next_scope(scopes: Iterable[str], worker: str) -> str:
    """The scope that a free worker takes: of its half if there is one, the longest first.

    Among those that no measurement tells apart it is the first, which has the most tests.
    """
    half = begins_waiting(worker)
    return max(scopes, key=lambda scope: (is_waiting(scope) is half, SECONDS.get(scope, 0)))


class HalvesScheduling(LoadFileScheduling):
    """Deals out whole files, and pages one by one."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if nodeid.startswith(PAGES) else super()._split_scope(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        scope = next_scope(self.workqueue, node.gateway.id)
        self.workqueue.move_to_end(scope, last=False)
        super()._assign_work_unit(node)
