"""Orders and cancels are signed as the exchange recovers them, with keys that don't show."""

import pickle

import pytest
from eth_account import Account

from execution.margin import OrderFlag, recover_signer
from genesis.accounts import dev_accounts
from node.client import SELL, InvalidKey, TradingKey, limit, market_order, stop, take_profit
from node.client.nonces import NonceSource
from node.client.signing import Signer
from sequencer.matching.orders import SelfTradePrevention, Trigger, TriggerKind
from state.clock import ManualClock
from state.types import Hash32

ALICE = dev_accounts()[1]
NOW = 1_700_000_000


def signer(epoch: int = 0, place: int = 7) -> Signer:
    nonces = NonceSource(epoch, lambda: place)
    return Signer(3, TradingKey(ALICE.key), 424242, nonces, ManualClock(NOW))


def test_order_is_signed_by_the_key_with_expiry_from_the_clock() -> None:
    ours = signer()
    signed = ours.order(limit(0, SELL, 5, 10).post_only().reduce_only().lasting(60).fee_at_most(-1))

    assert recover_signer(ours.hash(signed), signed.r, signed.vs) == ALICE.address
    assert signed.order.flags == OrderFlag.POST_ONLY | OrderFlag.REDUCE_ONLY
    assert (signed.order.expiry, signed.order.max_fee_ppm) == (NOW + 60, -1)


def test_nonces_follow_each_other_under_the_epoch_and_jump_when_told() -> None:
    places = iter([7, 2**32 - 1])
    nonces = NonceSource(5, lambda: next(places))

    assert [nonces.take(), nonces.take()] == [5 << 32 | 7, 5 << 32 | 8]
    nonces.jump()
    assert [nonces.take(), nonces.take()] == [5 << 32 | 2**32 - 1, 5 << 32]


def test_cancel_names_the_order_and_is_signed() -> None:
    ours, order = signer(), Hash32(b"\x01" * 32)
    signed = ours.cancel(order)

    assert signed.request.order == order
    assert recover_signer(signed.request.digest(ours.domain), signed.r, signed.vs) == ALICE.address


def test_each_cancel_of_all_is_newer_than_the_one_before() -> None:
    ours = signer()

    times = [ours.cancel_all(None).request.time for _ in range(3)]
    assert times == [NOW * 1_000, NOW * 1_000 + 1, NOW * 1_000 + 2]


def test_drafts_ask_for_what_they_are_named_after() -> None:
    assert market_order(0, SELL, 5, bound=10).flags == OrderFlag.IOC
    assert limit(0, SELL, 5, 10).fok().flags == OrderFlag.FOK
    assert stop(0, SELL, 5, trigger=9, price=8).options.trigger == Trigger(TriggerKind.STOP, 9)
    taking = take_profit(0, SELL, 5, trigger=12, price=11).named("tp")
    taking = taking.preventing(SelfTradePrevention.DECREMENT)
    assert taking.options.trigger == Trigger(TriggerKind.TAKE_PROFIT, 12)
    assert taking.options.client_id == "tp"
    assert taking.options.prevention is SelfTradePrevention.DECREMENT


def test_key_of_eth_account_is_the_same_key_and_shows_its_address_alone() -> None:
    key = TradingKey.of(Account.from_key(ALICE.key))

    assert key.address == ALICE.address
    assert repr(key) == f"<TradingKey 0x{ALICE.address.hex()}>"
    with pytest.raises(TypeError, match="keys do not travel"):
        pickle.dumps(key)


@pytest.mark.parametrize("key", [b"", b"\x01" * 31, bytes(32), b"\xff" * 32])
def test_what_is_no_key_is_refused_without_being_quoted(key: bytes) -> None:
    with pytest.raises(InvalidKey) as caught:
        TradingKey(key)
    assert key.hex() not in str(caught.value) or not key
