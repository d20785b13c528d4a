// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Offers} from "../Offers.sol";
import {IAccounts} from "../interfaces/IAccounts.sol";
import {IBackstop} from "../interfaces/IBackstop.sol";
import {ILiquidation} from "../interfaces/ILiquidation.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {IndexTwap} from "../libraries/IndexTwap.sol";
import {LiquidationMath} from "../libraries/LiquidationMath.sol";
import {PerpMath} from "../libraries/PerpMath.sol";
import {IndexSample, SafetyRules, Vault} from "../SafetyTypes.sol";
import {MarketStatus, Reason, Standing} from "../Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Backstop                                                                      │
│                                                                               │
│ One vault a market, an account of its own with its own collateral and a loss  │
│ cap: it takes what nobody else does, at the mark less the slippage, and lets  │
│ people leave. It is judged like any other account, and it takes nothing once  │
│ it has lost its cap. What a takeover leaves missing comes from the insurance  │
│ of the markets in which something was taken.                                  │
──────────────────────────────────────────────────────────────────────────────*/
contract Backstop is IBackstop, Offers {
    using FixedMath for int256;

    uint256 private constant PPM = 1e6;

    /// @inheritdoc IBackstop
    function takeOver(uint64 account) external routed {
        Case memory c = _openFailing(account);
        if (c.trader.state.options() == 0) _takePositions(c);
        else _takeFraction(c);
        if (c.touched == 0) revert ILiquidation.NothingLiquidated(account);
        _cover(c);
        _closeCase(c);
    }

    /*───────────────────────────── the vaults ────────────────────────────*/

    /// Makes the vault of a market the taker at hand.
    /// @return able Whether there is one that may still take something.
    function _seatVault(Case memory c, uint32 market) private view returns (bool able) {
        Vault storage vault = vaults[market];
        if (vault.account == 0 || vault.account == c.trader.id) return false;
        if (c.shelf.markets[market].status == MarketStatus.Closed) return false;
        _seat(c, vault.account);
        int256 equity = _assess(c.shelf, c.taker).equity;
        return int256(vault.contributed) - equity <= int256(uint256(vault.lossCap));
    }

    /// What a vault pays (p8) for a position at `mark` less the slippage (ppm), on the tick; never
    /// nothing, for a size has a cost.
    function _vaultPrice(Perp memory perp, uint256 mark, uint256 slippage)
        private
        view
        returns (uint256)
    {
        uint256 tick = markets[perp.market].rules.tick;
        return FixedMath.max(
            LiquidationMath.backstopPrice(perp.size, mark, slippage, tick), tick
        );
    }

    /// Insurance of the markets in which something was taken makes up for equity below zero.
    function _cover(Case memory c) private {
        uint32 market = 0;
        for (; c.touched >> market != 0; market++) {
            if ((c.touched >> market) & 1 == 0) continue;
            uint256 missing = uint256((-c.standing.equity).max(0));
            int256 drawn = int256(_drawInsurance(market, missing));
            c.trader.cash += drawn;
            c.standing.equity += drawn;
        }
        if (c.standing.equity < 0) {
            revert InsuranceTooSmall(market - 1, c.standing.equity.abs());
        }
    }

    /*────────────────────────── one after the other ──────────────────────*/

    /// Takes positions in descending maintenance margin until the account is safe, as far as the
    /// vaults go. Reverts when not even the first can be taken.
    function _takePositions(Case memory c) private {
        while (!_isSafe(c)) {
            (Perp memory perp, uint256 own) = _largest(c);
            if (own == 0) return;
            if (_takePosition(c, perp, own)) continue;
            if (c.touched == 0) revert BackstopUnable(perp.market);
            return;
        }
    }

    function _takePosition(Case memory c, Perp memory perp, uint256 own) private returns (bool) {
        if (!_seatVault(c, perp.market)) return false;
        SafetyRules storage rules = safetyRules[perp.market];
        uint256 price = _vaultPrice(perp, c.shelf.markets[perp.market].mark, rules.slippage);
        uint256 size = _needed(c, perp, own, price, rules.liquidationFee);
        int256 delta = -LiquidationMath.withSign(size, perp.size);
        if (_trade(c, perp, size, price) != Reason.None) return false;
        uint256 notional = PerpMath.value(delta, price).abs();
        uint256 fee = _charge(c, perp.market, notional, rules.liquidationFee);
        _announce(c, perp.market, delta, price, fee);
        return true;
    }

    /*────────────────────────── all at the same time ─────────────────────*/

    /// Takes the smallest fraction of everything that makes the account safe: positions that carry
    /// each other are never taken apart.
    function _takeFraction(Case memory c) private {
        Offer[] memory offers = _offers(c);
        _search(c, offers, PPM);
        for (uint32 market = 0; market < c.shelf.markets.length; market++) {
            _takeMarket(c, offers, market);
        }
        c.standing = _assess(c.shelf, c.trader);
        for (uint256 i = 0; i < offers.length; i++) {
            Offer memory offer = offers[i];
            if (offer.delta == 0) continue;
            uint256 fee = _charge(c, offer.underlying, offer.payment.abs(), offer.fee);
            c.taker.id = vaults[offer.underlying].account;
            _announce(c, offer.id, offer.delta, offer.price, fee);
        }
    }

    /// Everything that the account holds in markets that aren't closed, priced.
    function _offers(Case memory c) private view returns (Offer[] memory offers) {
        Trader memory trader = c.trader;
        uint256 perps = trader.count;
        offers = new Offer[](perps + trader.optionCount);
        for (uint256 i = 0; i < offers.length; i++) {
            Offer memory offer = offers[i];
            if (i < perps) {
                offer.place = i;
                _offerPerp(c, trader.perps[i], offer);
            } else {
                (offer.place, offer.isOption) = (i - perps, true);
                _offerOption(c, trader.options[i - perps], offer);
            }
        }
    }

    function _offerPerp(Case memory c, Perp memory perp, Offer memory offer) private view {
        uint32 market = perp.market;
        (offer.id, offer.underlying, offer.size) = (market, market, perp.size);
        offer.value = c.shelf.markets[market].mark;
        offer.fee = safetyRules[market].liquidationFee;
        offer.price = _vaultPrice(perp, offer.value, safetyRules[market].slippage);
        bool closed = c.shelf.markets[market].status == MarketStatus.Closed;
        if (!closed) offer.step = markets[market].rules.lot;
    }

    /// At its value less the slippage, to the p8: a premium needs no grid.
    function _offerOption(Case memory c, Holding memory holding, Offer memory offer) private view {
        SeriesView memory series = _seriesOf(c.shelf, holding.series);
        uint32 market = series.underlying;
        (offer.id, offer.underlying, offer.size) = (holding.series, market, holding.size);
        // The value was floored, and a short one owes all of it.
        offer.value = holding.size < 0 ? series.value + 1 : series.value;
        offer.fee = safetyRules[market].liquidationFee;
        offer.price = LiquidationMath.backstopPrice(
            holding.size, offer.value, safetyRules[market].slippage, 1
        );
        offer.step = optionRules[market].lot;
    }

    /// Moves what is offered on one underlying to its vault, which keeps its initial margin, on fresh
    /// prices.
    function _takeMarket(Case memory c, Offer[] memory offers, uint32 market) private {
        bool able = true;
        for (uint256 i = 0; i < offers.length && able; i++) {
            if (offers[i].delta == 0 || offers[i].underlying != market) continue;
            if ((c.touched >> market) & 1 == 0) able = _seatVault(c, market);
            c.touched |= 1 << market;
            able = able && _take(c, offers[i]);
        }
        if ((c.touched >> market) & 1 == 0) return;
        Standing memory standing = _assess(c.shelf, c.taker);
        if (!able || standing.stale || standing.equity < int256(standing.initial)) {
            revert BackstopUnable(market);
        }
        _writeTrader(c.taker);
    }

    /// @return fits Whether the vault doesn't hold too many series for one more.
    function _take(Case memory c, Offer memory offer) private view returns (bool fits) {
        (int256 delta, int256 payment) = (offer.delta, offer.payment);
        Trader memory trader = c.trader;
        _put(trader, offer, offer.size);
        for (uint256 side = 0; side < 2; side++) {
            if (!offer.isOption) {
                _tradePerp(c.shelf, trader, offer.id, delta, offer.price, 0);
            } else if (side == 1 && _isFull(trader, offer.id)) {
                return false;
            } else {
                _tradeOption(c.shelf, trader, offer.id, delta, payment, 0);
            }
            (trader, delta, payment) = (c.taker, -delta, -payment);
        }
        return true;
    }

    function _isFull(Trader memory trader, uint32 series) private pure returns (bool) {
        return _holding(trader, series).size == 0 && _heldCount(trader) >= SERIES_MAX;
    }

    /*─────────────────────────────── leaving ─────────────────────────────*/

    /// @inheritdoc IBackstop
    function requestExit(uint64 account, uint32 market) external routed {
        _requireOwner(account);
        uint256 key = _positionKey(account, market);
        if (positions[key].size == 0) revert NoPosition(account, market);
        (, uint256 until) = _exitTimes(key, market);
        if (block.timestamp <= until) revert ExitPending(account, market);
        exits[key].time = uint40(block.timestamp);
        emit ExitRequested(account, market, uint40(block.timestamp));
    }

    /// @inheritdoc IBackstop
    function cancelExit(uint64 account, uint32 market) external routed {
        _requireOwner(account);
        uint256 key = _positionKey(account, market);
        (, uint256 until) = _exitTimes(key, market);
        if (block.timestamp > until) revert NoExit(account, market);
        delete exits[key];
        Case memory c = _openCase(account);
        // What initial margin needs stays.
        c.standing.equity -= int256(c.standing.initial);
        int256 size = _perp(c.trader, market).size;
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
        delete exits[key];
        Case memory c = _openCase(account);
        Standing memory before = c.standing;
        Perp memory perp = _perp(c.trader, market);
        int256 size = perp.size;
        if (size == 0) revert NoPosition(account, market);
        uint256 price = _exitPrice(c, perp, _firstMark(market, bucket, from));
        bool able = _seatVault(c, market)
            && _trade(c, perp, size.abs(), price) == Reason.None;
        if (!able) revert BackstopUnable(market);
        uint256 penalty = _penalise(c, market, size, price);
        if (!_isAllowed(before, c.standing)) revert ExitRaisesRisk(account);
        _closeCase(c);
        emit ExitExecuted(account, market, -size, uint64(price), penalty);
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
