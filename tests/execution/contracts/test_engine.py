"""The same trade on the chain's own engine and on revm: same storage, same logs."""

from execution.contracts import artifact
from execution.contracts.abi import clearing_house
from execution.contracts.genesis import (
    PRICE_ONE,
    SIZE_ONE,
    ClearingHouseParameters,
    clearing_house_alloc,
)
from execution.contracts.layout import Layout
from execution.margin import Match, Reason, pack_batch, report_call, sign_report
from execution.signing import UnsignedTransaction, sign
from genesis.accounts import DevAccount, derive_account
from genesis.builder import GenesisAccount
from genesis.predeploys import CLEARING_HOUSE, COLLATERAL_TOKEN
from state.types import Address, Gas, Timestamp, Wei
from tests.execution.chain import BLOCK_SECONDS, MemoryChain, skip
from tests.execution.contracts.house import (
    CHAIN_ID,
    OPERATORS,
    START,
    TIMELOCK,
    TRANSACTION_GAS,
    USD,
    House,
    Trader,
)

PRICE = 64_250 * PRICE_ONE
CASH = 5_000 * USD
Call = tuple[DevAccount, bytes]


def token_storage(holders: tuple[Address, ...]) -> dict[int, int]:
    layout = Layout.of(artifact("CollateralToken"))
    words: dict[int, int] = {}
    for holder in holders:
        layout.write(layout.place("balanceOf", holder), CASH, words)
        layout.write(layout.place("allowance", holder, CLEARING_HOUSE), 2**256 - 1, words)
    return words


def calls(house: House) -> list[Call]:
    """Two accounts, two deposits, a price, and a batch of a good, a poor and a reducing fill."""
    abi = clearing_house()
    a, b = derive_account(0), derive_account(1)
    report = sign_report(0, 1, PRICE, START, OPERATORS.oracle.key, house.domain)
    buyer, seller = Trader(a, 1), Trader(b, 2)
    buy, sell = (house.order(t, t is buyer, 5 * SIZE_ONE, PRICE) for t in (buyer, seller))
    back = house.order(buyer, False, SIZE_ONE // 2, PRICE)
    again = house.order(seller, True, SIZE_ONE // 2, PRICE)
    batch = pack_batch(
        [
            Match(buy, sell, SIZE_ONE),
            Match(buy, sell, 4 * SIZE_ONE),
            Match(back, again, SIZE_ONE // 2),
        ]
    )
    return [
        (a, abi.call("createAccount")),
        (b, abi.call("createAccount")),
        (a, abi.call("deposit", 1, CASH)),
        (b, abi.call("deposit", 2, CASH)),
        (a, report_call(0, 1, [report])),
        (OPERATORS.matcher, batch.calldata),
        (a, abi.call("withdraw", 1, 100 * USD, a.address)),
    ]


def test_trade_leaves_the_same_storage_and_logs_on_both_engines() -> None:
    house = House()
    senders = (derive_account(0).address, derive_account(1).address)
    token = token_storage(senders)
    for slot, word in token.items():
        house.evm.insert_account_storage("0x" + COLLATERAL_TOKEN.hex(), slot, word)
    chain = chain_with(token, (*senders, OPERATORS.matcher.address))
    steps = calls(house)
    house.advance(BLOCK_SECONDS)

    result = chain.extend(skip(*signed(steps)))
    assert result.skipped == ()
    receipts = result.sealed.receipts
    assert all(receipt.succeeded for receipt in receipts)
    outcomes = [house.call(sender.address, data) for sender, data in steps]
    assert [[log.data for log in receipt.logs] for receipt in receipts] == [
        list(outcome.log_data) for outcome in outcomes
    ]
    assert outcomes[5].rejections == [(1, Reason.TAKER_MARGIN)]
    for slot in written():
        assert chain.state.storage(CLEARING_HOUSE, slot) == house.word(slot)
    assert chain.state.storage(CLEARING_HOUSE, 4) != 0


def chain_with(token: dict[int, int], senders: tuple[Address, ...]) -> MemoryChain:
    parameters = ClearingHouseParameters(
        matcher=OPERATORS.matcher.address,
        guardian=OPERATORS.guardian.address,
        oracle_signers={OPERATORS.oracle.address: 1},
        timelock=TIMELOCK,
        genesis_time=Timestamp(START),
    )
    alloc = clearing_house_alloc(parameters)
    code = artifact("CollateralToken").predeploy_code
    alloc[COLLATERAL_TOKEN] = GenesisAccount(nonce=1, code=code, storage=token)
    alloc |= {sender: GenesisAccount(balance=Wei(10**20)) for sender in senders}
    return MemoryChain(alloc)


def signed(steps: list[Call]) -> list[bytes]:
    nonces: dict[Address, int] = {}
    transactions = []
    for sender, data in steps:
        nonce = nonces.get(sender.address, 0)
        nonces[sender.address] = nonce + 1
        fields = UnsignedTransaction(
            nonce=nonce,
            gas=Gas(TRANSACTION_GAS // 8),
            to=CLEARING_HOUSE,
            data=data,
            max_fee_per_gas=Wei(2 * 10**9),
        )
        transactions.append(sign(fields, sender.key, CHAIN_ID))
    return transactions


def written() -> list[int]:
    """Slots of the clearing house that these steps reach."""
    layout = Layout.of(artifact("ClearingHouse"))
    places = [layout.place(label) for label in ("paused", "marketCount", "custody")]
    places += [layout.place("accounts", account) for account in (1, 2)]
    places += [layout.place("positions", account << 32) for account in (1, 2)]
    places += [layout.place("orderFills", account << 64) for account in (1, 2)]
    market = layout.place("markets", 0).slot
    return [place.slot for place in places] + [market + i for i in range(10)]
