"""The accounts that a sequencer signs with."""

from bridge.l1.accounts import Operator
from genesis.accounts import operator_accounts
from node.settings import InvalidSettings, NodeSettings, Role


def l1_operators(settings: NodeSettings) -> tuple[Operator, Operator]:
    """The accounts that post batches and propose roots."""
    if settings.mnemonic_accounts:
        accounts = operator_accounts()
        return Operator.of_dev_account(accounts.batcher), Operator.of_dev_account(accounts.proposer)
    if settings.batcher_key is None or settings.proposer_key is None:
        raise InvalidSettings(
            "a sequencer signs L1 transactions: give --batcher-key-file and --proposer-key-file,"
            " or --dev on a devnet"
        )
    return Operator.from_file(settings.batcher_key), Operator.from_file(settings.proposer_key)


def matcher_of(settings: NodeSettings) -> Operator | None:
    """Who signs settlements; None where nobody does."""
    if settings.role is not Role.SEQUENCER:
        return None
    if settings.matcher_key is not None:
        return Operator.from_file(settings.matcher_key)
    if settings.mnemonic_accounts:
        return Operator.of_dev_account(operator_accounts().matcher)
    return None
