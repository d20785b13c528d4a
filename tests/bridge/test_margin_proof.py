"""Margin proofs: what a node gathers convinces whoever trusts the output root, and nothing else."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bridge.margin_proof import InvalidMarginProof, MarginProof, gather, parse_proof, verify
from bridge.margin_proof.limits import PROOF_BYTES_MAX
from execution.margin.statement import UnknownAccount
from genesis.predeploys import CLEARING_HOUSE
from node.rpc.margin.methods import proof_of_margin_json
from state.errors import Invalid
from state.proofs import InvalidProof
from state.types import BlockNumber
from tests.node.rpc.harness import TestChain
from tests.node.rpc.margin_chain import Busy, boundary_of, busy_desk


@dataclass(frozen=True)
class Prover:
    """A node's side: a chain on which something of everything happened."""

    busy: Busy
    chain: TestChain

    def prove(self, account: int, number: int | None = None) -> MarginProof:
        store = self.chain.store
        number = store.heads.unsafe.number if number is None else BlockNumber(number)
        header = store.header(number)
        assert header is not None
        return gather(
            account,
            boundary_of(self.chain, number),
            header,
            self.chain.config,
            store.state(number),
            lambda address, slots: store.prove(number, address, slots),
        )

    def text(self, account: int) -> dict[str, Any]:
        """A proof as the RPC answers it."""
        return json.loads(json.dumps(proof_of_margin_json(self.prove(account))))

    def verify(self, fields: dict[str, Any]) -> None:
        verify(parse_proof(json.dumps(fields).encode()), self.chain.config)


@pytest.fixture(scope="module")
def prover() -> Iterator[Prover]:
    busy = busy_desk()
    chain = busy.desk.replay()
    yield Prover(busy, chain)
    chain.writer.shutdown()
    chain.store.close()


@pytest.mark.parametrize("who", ["cross", "portfolio", "idle"])
def test_verify_honest_proof_gives_the_contracts_numbers(prover: Prover, who: str) -> None:
    account = getattr(prover.busy, who)
    parsed = parse_proof(json.dumps(prover.text(account)).encode())
    assert parsed == prover.prove(account)
    statement = verify(parsed, prover.chain.config)
    found, desk = statement.standing, prover.busy.desk
    assert {
        "equity": found.equity,
        "initial": found.initial,
        "maintenance": found.maintenance,
        "withdrawable": found.withdrawable,
        "stale": found.stale,
    } == desk.read("requirements", account)
    assert statement.cash == desk.read("getAccount", account)[1]["cash"]
    assert [line.market for line in statement.perps] == list(desk.read("getPositions", account)[0])
    assert [line.series for line in statement.options] == list(desk.read("getHoldings", account)[0])


def test_verify_proof_of_an_older_block_gives_what_was_then(prover: Prover) -> None:
    statement = verify(prover.prove(prover.busy.cross, 1), prover.chain.config)
    assert statement.standing.equity == statement.cash == 12_000 * 10**6


def test_gather_unknown_account_fails(prover: Prover) -> None:
    with pytest.raises(UnknownAccount, match="no account 77"):
        prover.prove(77)


def test_verify_any_mutated_member_fails(prover: Prover) -> None:
    fields = prover.text(prover.busy.portfolio)
    places = list(leaves(fields))
    assert len(places) > 200
    for place in places:
        with pytest.raises(Invalid):
            prover.verify(mutated(fields, place))


def test_verify_any_member_left_out_or_added_fails(prover: Prover) -> None:
    fields = prover.text(prover.busy.cross)
    for holder in (fields, fields["boundary"], fields["proofs"][0]):
        for name in list(holder):
            kept = holder.pop(name)
            with pytest.raises(InvalidMarginProof):
                prover.verify(fields)
            holder[name] = kept
        holder["extra"] = "0x0"
        with pytest.raises(InvalidMarginProof, match="extra"):
            prover.verify(fields)
        del holder["extra"]
    prover.verify(fields)


def test_verify_slot_left_out_fails_though_all_others_are_right(prover: Prover) -> None:
    proof = prover.prove(prover.busy.portfolio)
    (place,) = [i for i, a in enumerate(proof.accounts) if a.address == CLEARING_HOUSE]
    house = proof.accounts[place]
    for left_out in range(len(house.storage)):
        storage = house.storage[:left_out] + house.storage[left_out + 1 :]
        accounts = list(proof.accounts)
        accounts[place] = replace(house, storage=storage)
        with pytest.raises(InvalidMarginProof, match="doesn't hold slot"):
            verify(replace(proof, accounts=tuple(accounts)), prover.chain.config)


def test_verify_account_left_out_fails(prover: Prover) -> None:
    proof = prover.prove(prover.busy.cross)
    for left_out in range(len(proof.accounts)):
        accounts = proof.accounts[:left_out] + proof.accounts[left_out + 1 :]
        with pytest.raises(InvalidMarginProof, match="doesn't hold the account"):
            verify(replace(proof, accounts=accounts), prover.chain.config)


def test_verify_superfluous_slot_or_account_fails(prover: Prover) -> None:
    """What nobody reads could be shown to people as if it counted."""
    proof = prover.prove(prover.busy.idle)
    store = prover.chain.store
    number = proof.header.number
    more = store.prove(number, CLEARING_HOUSE, [12345])
    accounts = tuple(
        replace(a, storage=(*a.storage, *more.storage)) if a.address == CLEARING_HOUSE else a
        for a in proof.accounts
    )
    with pytest.raises(InvalidMarginProof, match="more than the contract reads"):
        verify(replace(proof, accounts=accounts), prover.chain.config)
    stranger = store.prove(number, prover.busy.desk.timelock, [])
    with pytest.raises(InvalidMarginProof, match="more than the contract reads"):
        verify(replace(proof, accounts=(*proof.accounts, stranger)), prover.chain.config)


def test_verify_same_account_twice_fails(prover: Prover) -> None:
    proof = prover.prove(prover.busy.idle)
    with pytest.raises(InvalidMarginProof, match="twice"):
        verify(replace(proof, accounts=(*proof.accounts, proof.accounts[0])), prover.chain.config)


def test_verify_other_account_than_the_one_asked_for_fails(prover: Prover) -> None:
    proof = replace(prover.prove(prover.busy.cross), account=prover.busy.idle)
    with pytest.raises(InvalidMarginProof, match="doesn't hold slot"):
        verify(proof, prover.chain.config)


def test_verify_other_chain_fails(prover: Prover) -> None:
    proof = prover.prove(prover.busy.idle)
    with pytest.raises(InvalidMarginProof, match="another chain"):
        verify(proof, replace(prover.chain.config, chain_id=1))


def test_verify_slots_of_another_state_fail(prover: Prover) -> None:
    new, old = prover.prove(prover.busy.cross), prover.prove(prover.busy.cross, 2)
    with pytest.raises(InvalidProof):
        verify(replace(new, accounts=old.accounts), prover.chain.config)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"account": 1e400}',
        b" " * (PROOF_BYTES_MAX + 1),
    ],
    ids=["empty", "list", "object", "no text", "deep", "number", "long"],
)
def test_parse_what_is_no_proof_fails(text: bytes) -> None:
    with pytest.raises(InvalidMarginProof):
        parse_proof(text)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where each value that holds no other is."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from leaves(member, (*path, name))
    elif isinstance(value, list):
        for place, member in enumerate(value):
            yield from leaves(member, (*path, place))
    else:
        yield path


def mutated(fields: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    """A copy in which one value is another of the same form."""
    copy = json.loads(json.dumps(fields))
    holder = copy
    for step in path[:-1]:
        holder = holder[step]
    old = holder[path[-1]]
    holder[path[-1]] = old + 1 if isinstance(old, int) else other(old)
    return copy


def other(value: str) -> str:
    """Hexadecimal with its last digit changed."""
    return value[:-1] + ("1" if value[-1] == "0" else "0")
