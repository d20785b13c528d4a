"""Each lie is one wrong step in a trace that is right before and consistent after."""

import pytest

from bridge.dispute.faults import (
    Fault,
    FaultKind,
    InvalidFault,
    LyingTrace,
    forged_withdrawal,
)
from bridge.dispute.trace import BLOCK_STEPS, ChainTrace
from bridge.machine.bare import boundary_machine_hash
from execution.machine.status import Status
from state.types import BlockNumber
from tests.bridge.dispute.conftest import DisputedChain

STRIKES_AFTER = {
    FaultKind.STATE_ROOT: Status.SEAL,
    FaultKind.BALANCE: Status.SETTLE,
    FaultKind.SKIPPED_TRANSACTION: Status.NEXT,
    FaultKind.INVENTED_TRANSACTION: Status.NEXT,
    FaultKind.RECEIPT: Status.RECEIPT,
    FaultKind.GAS: Status.RUN,
    FaultKind.DERIVATION: Status.ORIGIN,
    FaultKind.WITHDRAWAL: Status.RECEIPT,
    FaultKind.ATTACK: Status.RUN,
}
"""The step that is wrong; a wrong margin result needs a clearing house, and has tests on one."""


@pytest.mark.parametrize("kind", STRIKES_AFTER)
def test_lie_is_right_up_to_one_step_and_wrong_from_there(
    disputed: DisputedChain, kind: FaultKind
) -> None:
    subject = disputed.subject(2)
    truth, lie = ChainTrace(disputed.local, subject), LyingTrace(disputed.local, subject, kind)

    struck = lie.struck_at
    assert struck is not None
    assert BLOCK_STEPS <= struck < 2 * BLOCK_STEPS
    assert truth.machine_after(struck).status is STRIKES_AFTER[kind]
    assert lie.claim_at(struck - 1) == truth.claim_at(struck - 1)
    for index in (struck, struck + 1, 2 * BLOCK_STEPS - 1, 2**46 - 1):
        assert lie.claim_at(index) != truth.claim_at(index)


@pytest.mark.parametrize("kind", STRIKES_AFTER)
def test_lie_ends_in_the_root_that_it_claims(disputed: DisputedChain, kind: FaultKind) -> None:
    lie = LyingTrace(disputed.local, disputed.subject(2), kind)

    assert lie.claim_at(2**46 - 1) == boundary_machine_hash(lie.output_root)
    assert lie.output_root != disputed.local.view.output_root(BlockNumber(2))


@pytest.mark.parametrize("kind", STRIKES_AFTER)
def test_lies_own_proofs_are_of_its_own_states(disputed: DisputedChain, kind: FaultKind) -> None:
    lie = LyingTrace(disputed.local, disputed.subject(2), kind)
    assert lie.struck_at is not None

    for index in (0, lie.struck_at - 1, lie.struck_at + 1, 2**46 - 1):
        proof = lie.proof(index)
        assert proof.after == lie.claim_at(index)
        assert index == 0 or proof.before == lie.claim_at(index - 1)


def test_margin_lie_finds_nothing_in_a_block_without_a_trade(disputed: DisputedChain) -> None:
    lie = LyingTrace(disputed.local, disputed.subject(2), FaultKind.MARGIN)

    assert lie.struck_at is None
    assert lie.output_root == disputed.local.view.output_root(BlockNumber(2))


def test_withdrawal_lie_changes_the_message_passer(disputed: DisputedChain) -> None:
    lie = LyingTrace(disputed.local, disputed.subject(2), FaultKind.WITHDRAWAL)

    boundary = lie.boundary
    assert (
        boundary.message_passer_root != disputed.local.boundary(BlockNumber(2)).message_passer_root
    )
    assert forged_withdrawal(disputed.rig.config.coinbase).value == 10**18


@pytest.mark.parametrize("kind", FaultKind)
def test_fault_is_written_as_kind_and_block(kind: FaultKind) -> None:
    assert Fault.parse(kind.value) == Fault(kind)
    assert Fault.parse(f"{kind.value}@12") == Fault(kind, BlockNumber(12))
    assert Fault.parse(str(Fault(kind, BlockNumber(12)))) == Fault(kind, BlockNumber(12))


@pytest.mark.parametrize("text", ["", "gases", "gas@", "gas@0", "gas@-1", "gas@x", "gas@1@2", "@3"])
def test_fault_written_otherwise_is_refused(text: str) -> None:
    with pytest.raises(InvalidFault):
        Fault.parse(text)
