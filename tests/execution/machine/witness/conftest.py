"""One deployed harness for all tests of a file: it keeps nothing."""

import pytest

from tests.execution.machine.witness.trie_edit import Harness


@pytest.fixture(scope="module")
def harness() -> Harness:
    return Harness()
