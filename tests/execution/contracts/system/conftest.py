"""The system contracts as genesis puts them, in pyrevm."""

import pytest

import tests.contracts
from execution.contracts.system import GovernanceParameters, system_alloc
from state.types import Address
from tests.contracts.vm import Vm
from tests.execution.contracts.system.l2 import DELAY_SECONDS, MEMBERS, PORTAL, PORTAL_ALIAS


@pytest.fixture
def vm() -> Vm:
    governance = GovernanceParameters(MEMBERS, 2, DELAY_SECONDS)
    machine = Vm(system_alloc(PORTAL, governance))
    for account in (PORTAL_ALIAS, *MEMBERS):
        machine.fund(account, 10**20)
    return machine


@pytest.fixture
def actor(vm: Vm) -> Address:
    """A contract that does as it is told."""
    return vm.deploy(tests.contracts.artifact("Actor"), ["address", "bytes"], [bytes(20), b""])
