// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Sales} from "../Sales.sol";
import {IAccounts} from "../interfaces/IAccounts.sol";
import {IBackstop} from "../interfaces/IBackstop.sol";
import {ILiquidation} from "../interfaces/ILiquidation.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {IndexTwap} from "../libraries/IndexTwap.sol";
import {LiquidationMath} from "../libraries/LiquidationMath.sol";
import {PerpMath} from "../libraries/PerpMath.sol";
import {ExitRequest, IndexSample, SafetyRules} from "../SafetyTypes.sol";
import {MarketStatus, Reason, Standing} from "../Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Backstop                                                                      │
│                                                                               │
│ One vault a market, an account of its own with its own collateral and a loss  │
│ cap: it takes what nobody else does, at the mark less the slippage, and lets  │
│ people leave. It is judged like any other account, and it takes nothing once  │
│ it has lost its cap.                                                          │
│                                                                               │
│ What a takeover leaves missing comes from the insurance of the markets in     │
│ which something was taken. It never pays for what no vault takes: that stays  │
│ with the account, and what it has lost itself stays with it, for              │
│ deleveraging.                                                                 │
│                                                                               │
│ Gas is bounded: a call takes from the most maintenance margin down as much as │
│ WORK_MAX allows, and the next call takes the rest. Of a debt, what is taken   │
│ has its share by maintenance margin to cover, as in deleveraging.             │
──────────────────────────────────────────────────────────────────────────────*/
contract Backstop is IBackstop, Sales {
    using FixedMath for int256;

    /// Of WORK_MAX, a position that is taken by itself in portfolio margin: all scenarios are added up
    /// again after each.
    uint256 private constant PORTFOLIO_WORK = 70;

    /// @inheritdoc IBackstop
    function takeOver(uint64 account) external routed {
        Case memory c = _openFailing(account);
        (int256 equity, uint256 maintenance) = (c.standing.equity, c.standing.maintenance);
        bool refused = c.trader.state.options() == 0 ? _takePositions(c) : _takeFraction(c);
        if (c.touched == 0) revert ILiquidation.NothingLiquidated(account);
        _cover(c, _mayOwe(c, equity, maintenance, refused));
        _closeCase(c);
    }

    /*───────────────────────────── who pays ──────────────────────────────*/

    /// The equity (q6, zero or less) that goes with what is left of an account: of a debt its share by
    /// maintenance margin. Where vaults refused something it is all that this has lost by itself, if
    /// that is more: equity less cash is what the holdings are worth. It is never more than the debt
    /// that there was. @param equity q6, before. @param maintenance q6, before.
    function _mayOwe(Case memory c, int256 equity, uint256 maintenance, bool refused)
        private
        pure
        returns (int256 least)
    {
        if (equity >= 0 || maintenance == 0) return 0;
        least = equity * int256(c.standing.maintenance) / int256(maintenance);
        if (refused) least = least.min(c.standing.equity - c.trader.cash).max(equity);
    }

    /// Insurance of the markets in which something was taken makes up for equity below `least` (q6).
    function _cover(Case memory c, int256 least) private {
        if (c.standing.equity >= least) return;
        _requireRegistered(c);
        uint32 market = 0;
        for (; c.touched >> market != 0; market++) {
            if ((c.touched >> market) & 1 == 0) continue;
            uint256 missing = uint256((least - c.standing.equity).max(0));
            int256 drawn = int256(_drawInsurance(market, missing));
            c.trader.cash += drawn;
            c.standing.equity += drawn;
        }
        if (c.standing.equity < least) {
            revert InsuranceTooSmall(market - 1, (least - c.standing.equity).abs());
        }
    }

    /// The loss of a market that has ended is its own insurance's.
    function _requireRegistered(Case memory c) private pure {
        for (uint256 i = 0; i < c.trader.count; i++) {
            Perp memory perp = c.trader.perps[i];
            MarketView memory market = c.shelf.markets[perp.market];
            if (perp.size == 0 || market.status != MarketStatus.Closed) continue;
            bool lost = PerpMath.unrealised(perp.size, perp.cost, market.mark) < 0;
            if (lost) revert ClosingFirst(c.trader.id, perp.market);
        }
    }

    /*────────────────────────── one after the other ──────────────────────*/

    /// Takes positions in descending maintenance margin until the account is safe, as far as the
    /// vaults and WORK_MAX go. @return refused Whether no vault could take the rest.
    function _takePositions(Case memory c) private returns (bool refused) {
        uint256 each = _isPortfolio(c.trader) ? PORTFOLIO_WORK : MARKET_WORK;
        for (uint256 work = 0; !_isSafe(c) && work < WORK_MAX; work += each) {
            (Perp memory perp, uint256 own) = _largest(c);
            // What is left has ended, and may still owe its funding. Nothing left has lost nothing.
            if (own == 0) return true;
            if (!_seatVault(c, perp.market) || !_takePosition(c, perp, own)) {
                if (c.touched == 0) revert BackstopUnable(perp.market);
                return true;
            }
            work += SERIES_WORK * c.taker.optionCount;
        }
    }

    /// @return taken Whether the vault's margin allowed it.
    function _takePosition(Case memory c, Perp memory perp, uint256 own)
        private
        returns (bool taken)
    {
        SafetyRules storage rules = safetyRules[perp.market];
        uint256 price = _vaultPrice(perp, c.shelf.markets[perp.market].mark, rules.slippage);
        // Below zero nothing but the whole is enough: no vault pays more than the mark.
        uint256 size = c.standing.equity < 0
            ? perp.size.abs()
            : _needed(c, perp, own, price, rules.liquidationFee);
        int256 delta = -LiquidationMath.withSign(size, perp.size);
        Reason reason = _trade(c, perp, size, price);
        if (reason == Reason.OracleStale) revert ILiquidation.NoLiquidationNow(c.trader.id);
        if (reason != Reason.None) return false;
        uint256 notional = PerpMath.value(delta, price).abs();
        uint256 fee = _charge(c, perp.market, notional, rules.liquidationFee);
        _announce(c, perp.market, delta, price, fee);
        return true;
    }

    /*─────────────────────────────── leaving ─────────────────────────────*/

    /// @inheritdoc IBackstop
    function requestExit(uint64 account, uint32 market) external routed {
        _requireOwner(account);
        uint256 key = _positionKey(account, market);
        int64 size = positions[key].size;
        if (size == 0) revert NoPosition(account, market);
        (, uint256 until) = _exitTimes(key, market);
        if (block.timestamp <= until) revert ExitPending(account, market);
        exits[key] = ExitRequest(uint40(block.timestamp), size);
        emit ExitRequested(account, market, uint40(block.timestamp));
    }

    /// @inheritdoc IBackstop
    function cancelExit(uint64 account, uint32 market) external routed {
        _requireOwner(account);
        uint256 key = _positionKey(account, market);
        (, uint256 until) = _exitTimes(key, market);
        if (block.timestamp > until) revert NoExit(account, market);
        Case memory c = _openCase(account);
        int256 size = _leaving(key, _perp(c.trader, market));
        delete exits[key];
        // What initial margin needs stays.
        c.standing.equity -= int256(c.standing.initial);
        uint256 penalty = _penalise(c, market, size, c.shelf.markets[market].mark);
        _writeTrader(c.trader);
        emit ExitCancelled(account, market, penalty);
    }

    /// @inheritdoc IBackstop
    function executeExit(uint64 account, uint32 market, uint40 bucket) external routed {
        uint256 key = _positionKey(account, market);
        (uint256 from, uint256 until) = _exitTimes(key, market);
        if (until == 0) revert NoExit(account, market);
        if (block.timestamp < from) revert ExitTooEarly(uint40(from));
        if (block.timestamp > until) revert ExitExpired(uint40(until));
        Case memory c = _openCase(account);
        Standing memory before = c.standing;
        Perp memory perp = _perp(c.trader, market);
        int256 size = _leaving(key, perp);
        delete exits[key];
        if (size == 0) revert NoPosition(account, market);
        uint256 price = _exitPrice(c, perp, _firstMark(market, bucket, from));
        _leave(c, perp, size.abs(), price);
        uint256 penalty = _penalise(c, market, size, price);
        if (!_isAllowed(before, c.standing)) revert ExitRaisesRisk(account);
        _closeCase(c);
        emit ExitExecuted(account, market, -size, uint64(price), penalty);
    }

    /// What a request closes (s8, signed) of a position: no more than there was when it was made.
    function _leaving(uint256 key, Perp memory perp) private view returns (int256) {
        int256 asked = exits[key].size;
        if (perp.size == 0 || (asked < 0) != (perp.size < 0)) return 0;
        return asked < 0 ? asked.max(perp.size) : asked.min(perp.size);
    }

    /// Sells a position to the vault of its market. A vault that only reduces could trade at a stale
    /// mark, but who leaves may choose when.
    function _leave(Case memory c, Perp memory perp, uint256 size, uint256 price) private {
        uint32 market = perp.market;
        if (c.shelf.markets[market].stale) revert ExitStale(market);
        if (!_seatVault(c, market)) revert BackstopUnable(market);
        Reason reason = _trade(c, perp, size, price);
        if (reason == Reason.OracleStale) revert ExitStale(market);
        if (reason != Reason.None) revert BackstopUnable(market);
    }

    /// Takes what an exit costs, on what `size` (s8) counts for at `price` (p8).
    function _penalise(Case memory c, uint32 market, int256 size, uint256 price)
        private
        returns (uint256)
    {
        uint256 notional = PerpMath.unrealised(size, 0, price).abs();
        return _charge(c, market, notional, safetyRules[market].exitPenalty);
    }

    /// The first mark, or the present one where that is worse for who leaves: a request must not be a
    /// free choice between two prices. On the tick.
    function _exitPrice(Case memory c, Perp memory perp, uint256 first)
        private
        view
        returns (uint256)
    {
        uint256 mark = c.shelf.markets[perp.market].mark;
        return _vaultPrice(perp, (perp.size > 0) == (mark < first) ? mark : first, 0);
    }

    /// The mark of a bucket, which is the first that begins at `from` (s) or later.
    function _firstMark(uint32 market, uint40 bucket, uint256 from)
        private
        view
        returns (uint256)
    {
        IndexSample storage sample = indexSamples[_sampleKey(market, bucket)];
        bool isFirst = sample.firstMark != 0 && bucket * IndexTwap.STEP >= from
            && sample.previous * IndexTwap.STEP < from;
        if (!isFirst) revert WrongBucket(bucket);
        return sample.firstMark;
    }

    /// From when to when a request can be executed, seconds; both 0 when there is none.
    function _exitTimes(uint256 key, uint32 market)
        private
        view
        returns (uint256 from, uint256 until)
    {
        uint256 time = exits[key].time;
        if (time == 0) return (0, 0);
        from = time + safetyRules[market].exitDelay;
        until = from + safetyRules[market].exitWindow;
    }

    function _requireOwner(uint64 account) private view {
        if (owners[account] != msg.sender) revert IAccounts.NotOwner(account, msg.sender);
    }
}
