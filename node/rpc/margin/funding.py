"""A market's funding: what has accrued, what the running interval comes to, and what was."""

from dataclasses import dataclass
from typing import Any, Final

from bridge.l1.abi import event_topic
from execution.contracts.abi import clearing_house
from execution.margin import MarketStatus, read_market_count
from execution.margin.calls import HouseCalls
from execution.margin.statement import Quote, read_quote
from genesis.predeploys import CLEARING_HOUSE
from node.rpc.errors import InvalidParams
from node.rpc.format import Json, PlacedLog
from node.rpc.logs import LogMatch
from state.types import Hash32

_ACCRUED: Final = event_topic("FundingAccrued(uint32,int96,uint40)")


@dataclass(frozen=True, slots=True)
class RunningFunding:
    """The interval that runs: rates r12 for 8 h, its change of the index f12.

    The settled rate counts samples that are still missing as 0, as the contract does when the
    interval ends; the predicted one takes them to come as those so far.
    """

    quote: Quote
    settled_rate: int
    predicted_rate: int
    predicted_delta: int


def read_running(house: HouseCalls, market: int) -> RunningFunding:
    """The running interval of a market. Raises `InvalidParams` for one that isn't listed."""
    if market >= read_market_count(house.word):
        raise InvalidParams(f"there is no market {market}")
    quote = read_quote(house, market)
    if quote.status is not MarketStatus.CLOSED:
        house.keep("accrueFunding", market)
        quote = read_quote(house, market)
    samples = quote.members["fundingRules"]["samples"]
    predicted = _rate(house, quote, min(samples, _begun(house, quote)))
    interval = quote.members["fundingRules"]["interval"]
    (delta,) = house.ask("fundingDelta", predicted, quote.index, interval)
    return RunningFunding(quote, _rate(house, quote, samples), predicted, delta)


def _begun(house: HouseCalls, quote: Quote) -> int:
    """Sample slots of the running interval that have begun."""
    rules = quote.members["fundingRules"]
    elapsed = house.context.timestamp - quote.members["flow"]["fundingTime"]
    return int(elapsed * rules["samples"] // rules["interval"]) + 1


def _rate(house: HouseCalls, quote: Quote, samples: int) -> int:
    """The rate of the mean over so many samples; 0 while the market pays none."""
    fresh_until = quote.members["price"]["indexTime"] + quote.members["rules"]["staleSeconds"]
    halted = quote.status in (MarketStatus.HALTED, MarketStatus.CLOSED)
    if halted or house.context.timestamp > fresh_until:
        return 0
    total = quote.members["funding"]["premiumSum"]
    mean = abs(total) // samples * (1 if total >= 0 else -1)
    rules = quote.members["fundingRules"]
    (rate,) = house.ask(
        "fundingRate", mean, rules["interest"], rules["interestClamp"], rules["cap"]
    )
    return int(rate)


def accrual_logs(market: int) -> LogMatch:
    """The logs of a market's accruals."""
    topics = (frozenset((_ACCRUED,)), frozenset((Hash32(market.to_bytes(32, "big")),)))
    return LogMatch(frozenset((CLEARING_HOUSE,)), topics)


def funding_json(running: RunningFunding, logs: list[PlacedLog]) -> Json:
    """All of it, the history from the oldest on."""
    members = running.quote.members
    rules, state, flow = members["fundingRules"], members["funding"], members["flow"]
    return {
        "market": running.quote.market,
        "fundingIndexF12": str(running.quote.funding_index),
        "poolQ6": str(state["pool"]),
        "interestR12": str(rules["interest"]),
        "interestClampR12": str(rules["interestClamp"]),
        "capR12": str(rules["cap"]),
        "intervalSeconds": rules["interval"],
        "intervalStart": flow["fundingTime"],
        "samples": rules["samples"],
        "lastSample": state["lastSample"],
        "premiumSumR12": str(state["premiumSum"]),
        "runningRateR12": str(running.settled_rate),
        "predictedRateR12": str(running.predicted_rate),
        "predictedDeltaF12": str(running.predicted_delta),
        "history": [_accrual_json(placed) for placed in logs],
    }


def _accrual_json(placed: PlacedLog) -> Json:
    found: Any = clearing_house().event(placed.log.topics, placed.log.data).arguments
    return {
        "block": placed.block_number,
        "fundingIndexF12": str(found["fundingIndex"]),
        "until": found["until"],
    }
