// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Insurance} from "./Insurance.sol";
import {ILiquidation} from "./interfaces/ILiquidation.sol";
import {FixedMath} from "./libraries/FixedMath.sol";
import {LiquidationMath} from "./libraries/LiquidationMath.sol";
import {PerpMath} from "./libraries/PerpMath.sol";
import {PortfolioMath} from "./libraries/PortfolioMath.sol";
import {MarketStatus, Reason, Standing} from "./Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Workout                                                                       │
│                                                                               │
│ An account that is being closed, in memory: where it stands, which position   │
│ goes first and how much of it, and one trade after the other with whoever     │
│ takes it, undone where the taker's margin doesn't allow it.                   │
──────────────────────────────────────────────────────────────────────────────*/
abstract contract Workout is Insurance {
    using FixedMath for int256;

    /// An account that is being closed, and whoever takes from it at the moment.
    struct Case {
        Shelf shelf;
        Trader trader;
        /// As of the last trade.
        Standing standing;
        Trader taker;
        /// q6: what the taker pays for the trade at hand.
        uint256 takerFee;
        /// Bit i: something was taken in market i.
        uint256 touched;
    }

    function _openCase(uint64 account) internal view returns (Case memory c) {
        c.shelf = _openShelf();
        _readTrader(c.trader, account);
        c.standing = _assess(c.shelf, c.trader);
    }

    /// An account below maintenance margin, its orders cancelled.
    function _openFailing(uint64 account) internal returns (Case memory c) {
        c = _openCase(account);
        Standing memory standing = c.standing;
        if (standing.stale || !_isCalm(c)) revert ILiquidation.NoLiquidationNow(account);
        if (standing.equity >= int256(standing.maintenance)) {
            revert ILiquidation.NotLiquidatable(account, standing.equity, standing.maintenance);
        }
        uint32 epoch = c.trader.state.orderEpoch() + 1;
        c.trader.state = c.trader.state.withOrderEpoch(epoch);
        emit ILiquidation.LiquidationStarted(account, epoch, standing.equity, standing.maintenance);
    }

    /// Whether no market that the account depends on, all of which have been read to judge it, has
    /// come back from an outage just now.
    function _isCalm(Case memory c) private view returns (bool) {
        for (uint32 id = 0; id < c.shelf.markets.length; id++) {
            uint256 passed = block.timestamp - health[id].resumedTime;
            bool calm = passed >= safetyRules[id].graceSeconds;
            if (c.shelf.markets[id].loaded && !calm) return false;
        }
        return true;
    }

    /// Writes what changed, but for takers, who are written at once.
    function _closeCase(Case memory c) internal {
        _writeTrader(c.trader);
        _closeShelf(c.shelf);
        if (c.standing.equity >= 0) _setDebt(c.trader.id, 0);
    }

    /// Makes an account the taker at hand.
    function _seat(Case memory c, uint64 id) internal view {
        Trader memory taker;
        _readTrader(taker, id);
        c.taker = taker;
    }

    function _isSafe(Case memory c) internal pure returns (bool) {
        return LiquidationMath.isSafe(c.standing.equity, c.standing.maintenance);
    }

    /*───────────────────────────── what goes first ───────────────────────*/

    /// The position with the most maintenance margin, of equals that of the lowest market; a closed
    /// market's have ended.
    /// @return largest Flat when there is none. @return most Its maintenance, q6.
    function _largest(Case memory c) internal pure returns (Perp memory largest, uint256 most) {
        Trader memory trader = c.trader;
        bool portfolio = _isPortfolio(trader);
        for (uint256 i = 0; i < trader.count; i++) {
            Perp memory perp = trader.perps[i];
            MarketView memory market = c.shelf.markets[perp.market];
            if (perp.size == 0 || market.status == MarketStatus.Closed) continue;
            uint256 own;
            if (portfolio) {
                (, own) = PortfolioMath.requirement(trader.risks[_riskPlace(trader, perp.market)]);
            } else {
                own = PerpMath.requirement(perp.size, market.mark, market.mmf);
            }
            // Positions are in the order of their markets.
            if (own > most) (largest, most) = (perp, own);
        }
    }

    /*─────────────────────────────── a trade ─────────────────────────────*/

    /// Closes `size` (s8, unsigned) of a position at `price` (p8) against the taker at hand, unless
    /// the taker's margin refuses it: then nothing has happened but to the copy of the taker. The
    /// position only gets smaller, so that open interest doesn't grow.
    function _trade(Case memory c, Perp memory perp, uint256 size, uint256 price)
        internal
        returns (Reason reason)
    {
        (uint32 id, MarketView memory market) = (perp.market, c.shelf.markets[perp.market]);
        (uint256 interest, int256 poolChange) = (market.openInterest, market.poolChange);
        int256 delta = LiquidationMath.withSign(size, perp.size);
        Standing memory standing = _assess(c.shelf, c.taker);
        int256 held = _perp(c.taker, id).size;
        // Open interest is what it will be after both sides when the taker is judged.
        c.taker.cash -= int256(c.takerFee);
        _tradePerp(c.shelf, c.taker, id, delta, price, 0);
        uint256 closed = uint256(delta.max(0));
        market.openInterest -= closed;
        reason = _verdict(c, standing, (held < 0) != (delta < 0) && size <= held.abs());
        if (reason != Reason.None) {
            (market.openInterest, market.poolChange) = (interest, poolChange);
            return reason;
        }
        market.openInterest += closed;
        _writeTrader(c.taker);
        _tradePerp(c.shelf, c.trader, id, -delta, price, 0);
        c.standing = _assess(c.shelf, c.trader);
        c.touched |= 1 << id;
    }

    /// Whether the taker may have what it has after a trade. Fresh prices are asked of who doesn't
    /// just reduce.
    function _verdict(Case memory c, Standing memory before, bool reduces)
        private
        view
        returns (Reason)
    {
        Standing memory standing = _assess(c.shelf, c.taker);
        if (standing.stale && !reduces) return Reason.OracleStale;
        return _isAllowed(before, standing) ? Reason.None : Reason.MakerMargin;
    }

    /// E' >= IM', or MM' <= MM and E' * MM >= E * MM'.
    function _isAllowed(Standing memory before, Standing memory standing)
        internal
        pure
        returns (bool)
    {
        if (standing.equity >= int256(standing.initial)) return true;
        return standing.maintenance <= before.maintenance
            && standing.equity * int256(before.maintenance)
                >= before.equity * int256(standing.maintenance);
    }

    /// Moves a fee of `ppm` of the notional (q6) from the account to the market's insurance.
    function _charge(Case memory c, uint32 market, uint256 notional, uint256 ppm)
        internal
        returns (uint256 fee)
    {
        fee = LiquidationMath.charge(notional, ppm, c.standing.equity);
        if (fee == 0) return 0;
        c.trader.cash -= int256(fee);
        c.standing.equity -= int256(fee);
        _moveInsurance(market, int256(fee));
    }

    /// Announces what the taker at hand took. @param delta s8, the account's change.
    function _announce(Case memory c, uint32 market, int256 delta, uint256 price, uint256 fee)
        internal
    {
        bool isVault = c.taker.state.flags() & FLAG_VAULT != 0;
        emit ILiquidation.PositionLiquidated(
            c.trader.id, market, c.taker.id, delta, uint64(price), fee, isVault
        );
    }
}
