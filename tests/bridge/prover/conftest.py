"""A node, an inbox and an L1 for the tests that need them; wallets start anew with each."""

from tests.bridge.contracts.conftest import anvil_url
from tests.bridge.machine.conftest import inbox, rig

__all__ = ["anvil_url", "inbox", "rig"]
