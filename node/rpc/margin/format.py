"""Statements, markets and funding as JSON; see decimals.py for how numbers are written."""

from collections.abc import Mapping
from typing import Any

from execution.margin import (
    FLAG_VAULT,
    MarketStatus,
    OptionRulesState,
    SafetyRulesState,
    VaultState,
)
from execution.margin.statement import (
    AccountStatement,
    OptionLine,
    PerpLine,
    Quote,
    ScenarioLine,
    Standing,
)
from node.rpc.codec import data
from node.rpc.format import Json
from state.blocks import Header
from state.headers import header_hash


def block_json(header: Header) -> Json:
    """The block that an answer is about."""
    return {
        "number": header.number,
        "hash": data(header_hash(header)),
        "timestamp": header.timestamp,
    }


def account_json(statement: AccountStatement) -> Json:
    """An account without its positions."""
    return {
        "account": statement.account,
        "owner": data(statement.owner),
        "cashQ6": str(statement.cash),
        "mode": _mode(statement.is_portfolio),
        "chosenMode": _mode(bool(statement.margin_mode)),
        "feeTier": statement.fee_tier,
        "isVault": bool(statement.flags & FLAG_VAULT),
        "orderEpoch": statement.order_epoch,
        "sessionEpoch": statement.session_epoch,
        "reportedDebtQ6": str(statement.reported_debt),
        "standing": standing_json(statement.standing),
    }


def positions_json(statement: AccountStatement) -> Json:
    """What an account holds, and its scenarios by underlying."""
    return {
        "perps": [_perp_json(line) for line in statement.perps],
        "options": [_option_json(line) for line in statement.options],
        "scenarios": [_scenario_json(line) for line in statement.scenarios],
    }


def standing_json(standing: Standing) -> Json:
    """What an account is worth and needs."""
    return {
        "equityQ6": str(standing.equity),
        "initialQ6": str(standing.initial),
        "maintenanceQ6": str(standing.maintenance),
        "withdrawableQ6": str(standing.withdrawable),
        "stale": standing.stale,
    }


def _mode(is_portfolio: bool) -> str:
    return "portfolio" if is_portfolio else "cross"


def _perp_json(line: PerpLine) -> Json:
    price = line.liquidation_price
    return {
        "market": line.market,
        "sizeS8": str(line.size),
        "costQ6": str(line.cost),
        "markP8": str(line.mark),
        "unrealisedQ6": str(line.unrealised),
        "unsettledFundingQ6": str(line.funding),
        "initialQ6": str(line.initial),
        "maintenanceQ6": str(line.maintenance),
        "liquidationPriceP8": None if price is None else str(price),
    }


def _option_json(line: OptionLine) -> Json:
    return {
        "series": line.series,
        "underlying": line.underlying,
        "expiry": line.expiry,
        "strikeP8": str(line.strike),
        "isPut": line.is_put,
        "sizeS8": str(line.size),
        "unitValueP8": str(line.unit_value),
        "pricedAt": line.priced_at,
        "valueQ6": str(line.value),
    }


def _scenario_json(line: ScenarioLine) -> Json:
    return {"underlying": line.underlying, "pnlQ6": [str(gain) for gain in line.pnl]}


def market_json(quote: Quote) -> Json:
    """A perpetual market as it is in this block."""
    price, flow = quote.members["price"], quote.members["flow"]
    return {
        "market": quote.market,
        "status": MarketStatus(price["status"]).name.lower(),
        "markP8": str(price["mark"]),
        "markTime": price["markTime"],
        "indexP8": str(price["index"]),
        "indexTime": price["indexTime"],
        "round": price["round"],
        "imfPpm": str(quote.imf),
        "mmfPpm": str(quote.mmf),
        "openInterestS8": str(flow["openInterest"]),
        "fundingIndexF12": str(quote.funding_index),
        **_rules_json(quote.members["rules"], quote.members["caps"]),
        "fees": _fees_json(quote.members["fees"]),
    }


def _rules_json(rules: Mapping[str, Any], caps: Mapping[str, Any]) -> Json:
    return {
        "tickP8": str(rules["tick"]),
        "lotS8": str(rules["lot"]),
        "baseImfPpm": str(rules["imf"]),
        "targetMmfPpm": str(rules["mmf"]),
        "staleSeconds": rules["staleSeconds"],
        "openInterestLowS8": str(caps["oiLow"]),
        "openInterestHighS8": str(caps["oiHigh"]),
        "openInterestCapS8": str(caps["oiCap"]),
        "priceBandPpm": str(caps["priceBand"]),
        "markBandPpm": str(caps["markBand"]),
        "isAuction": caps["auction"],
    }


def _fees_json(fees: tuple[int, ...]) -> list[Json]:
    """Taker and maker fee of each tier."""
    pairs = zip(fees[::2], fees[1::2])
    return [{"takerPpm": str(taker), "makerPpm": str(maker)} for taker, maker in pairs]


def safety_json(rules: SafetyRulesState, insurance: int, vault: VaultState | None) -> Json:
    """How failing accounts of a market are closed, and what stands behind it."""
    return {
        "liquidationFeePpm": str(rules.liquidation_fee),
        "slippagePpm": str(rules.slippage),
        "exitPenaltyPpm": str(rules.exit_penalty),
        "graceSeconds": rules.grace_seconds,
        "exitDelaySeconds": rules.exit_delay,
        "exitWindowSeconds": rules.exit_window,
        "insuranceQ6": str(insurance),
        "vault": None if vault is None else _vault_json(vault),
    }


def _vault_json(vault: VaultState) -> Json:
    return {
        "account": vault.account,
        "lossCapQ6": str(vault.loss_cap),
        "contributedQ6": str(vault.contributed),
    }


def option_rules_json(rules: OptionRulesState | None) -> Json | None:
    """How options on a market trade; null where there are none."""
    if rules is None:
        return None
    return {
        "tickP8": str(rules.tick),
        "lotS8": str(rules.lot),
        "openInterestCapS8": str(rules.oi_cap),
        "priceBandPpm": str(rules.price_band),
    }
