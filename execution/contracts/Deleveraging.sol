// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Insurance} from "./Insurance.sol";
import {IBackstop} from "./interfaces/IBackstop.sol";
import {IInsolvency} from "./interfaces/IInsolvency.sol";
import {IOracle} from "./interfaces/IOracle.sol";
import {DeleverageMath} from "./libraries/DeleverageMath.sol";
import {FixedMath} from "./libraries/FixedMath.sol";
import {PerpMath} from "./libraries/PerpMath.sol";
import {PortfolioMath} from "./libraries/PortfolioMath.sol";
import {Scenarios} from "./libraries/Scenarios.sol";
import {SeriesArray} from "./libraries/SeriesArray.sol";
import {MarketStatus} from "./Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Deleveraging                                                                  │
│                                                                               │
│ Closing a bankrupt account's position against somebody who gained, at the     │
│ price that leaves the bankrupt with nothing. Every question about it is       │
│ answered by carrying it out in memory.                                        │
│                                                                               │
│ A position's share of the negative equity is its part of the maintenance      │
│ margin. Portfolio margin nets positions, so that there each counts with what  │
│ it would need alone. A long option counts nothing: nobody owes its holder     │
│ more than its value, and nobody on the other side has gained. A position in a │
│ closed market counts nothing either: its price is settled.                    │
──────────────────────────────────────────────────────────────────────────────*/
abstract contract Deleveraging is Insurance {
    using FixedMath for int256;

    address private constant BACKSTOP = 0x420000000000000000000000000000000000020a;

    /// A deleveraging carried out in memory.
    struct Attempt {
        Shelf shelf;
        Trader bankrupt;
        Trader counterparty;
        /// Whether the counterparty gained, has equity, and keeps at least zero of it.
        bool fits;
        /// Wad.
        uint256 score;
        /// s8, signed: the bankrupt account's position.
        int256 failing;
        /// s8, signed: the bankrupt account's change.
        int256 size;
        /// p8.
        uint256 price;
    }

    /// What one side holds, valued.
    struct Side {
        /// s8.
        int256 size;
        /// q6.
        int256 cost;
        /// q6.
        int256 gain;
    }

    /// Refuses unless nothing that comes earlier can take the account: equity below zero, and the
    /// backstop or its insurance unable. Stale prices and the grace period stop a backstop, hence
    /// this too.
    /// @dev The takeover itself is tried. Where it works this call reverts, and the attempt with it.
    /// Where it fails for another reason, lack of gas among them, that reason stands.
    function _requireBankrupt(uint64 account) internal {
        int256 equity = _standing(account).equity;
        if (equity >= 0) revert IInsolvency.NotBankrupt(account, equity);
        (bool taken, bytes memory answer) =
            BACKSTOP.delegatecall(abi.encodeCall(IBackstop.takeOver, (account)));
        if (taken) revert IInsolvency.BackstopFirst(account);
        bytes4 reason = answer.length < 4 ? bytes4(0) : bytes4(answer);
        bool unable = reason == IBackstop.BackstopUnable.selector
            || reason == IBackstop.InsuranceTooSmall.selector;
        if (unable) return;
        assembly ("memory-safe") {
            revert(add(answer, 32), mload(answer))
        }
    }

    /// Closes as much of the bankrupt's position as the counterparty holds against it. What doesn't
    /// fit is left where the answer was known.
    function _attempt(uint64 account, uint32 market, uint64 counterparty)
        internal
        view
        returns (Attempt memory attempt)
    {
        attempt.shelf = _openShelf();
        _readTrader(attempt.bankrupt, account);
        attempt.failing = _side(attempt.shelf, attempt.bankrupt, market).size;
        if (attempt.failing == 0) revert IBackstop.NoPosition(account, market);
        attempt.price = _bankruptcyPrice(attempt, market, attempt.failing);
        _try(attempt, market, counterparty);
    }

    /// The same with another counterparty, to compare them. What has been read and the price stay;
    /// open interest, which the first attempt moved, has no part in any answer.
    function _rival(Attempt memory attempt, uint32 market, uint64 counterparty)
        internal
        view
        returns (Attempt memory rival)
    {
        (rival.shelf, rival.failing, rival.price) =
            (attempt.shelf, attempt.failing, attempt.price);
        _readTrader(rival.bankrupt, attempt.bankrupt.id);
        _try(rival, market, counterparty);
    }

    function _try(Attempt memory attempt, uint32 market, uint64 counterparty) private view {
        _readTrader(attempt.counterparty, counterparty);
        Side memory winning = _side(attempt.shelf, attempt.counterparty, market);
        if ((attempt.failing > 0) == (winning.size > 0) || winning.gain <= 0) return;
        int256 equity = _assess(attempt.shelf, attempt.counterparty).equity;
        if (equity <= 0) return;
        // More than a price can be, or a position that carries no share.
        if (attempt.price > type(uint64).max) return;
        attempt.score = _score(attempt.shelf, market, winning, equity);
        _close(attempt, market, attempt.failing, winning.size);
        attempt.fits = _assess(attempt.shelf, attempt.counterparty).equity >= 0;
    }

    /// An option costs nothing: its premium went through cash. The gain of a long one is what it is
    /// worth, and a short one never gains.
    function _side(Shelf memory shelf, Trader memory trader, uint32 market)
        private
        view
        returns (Side memory side)
    {
        if (market >= SERIES_START) {
            side.size = _optionSize(trader.id, market);
            if (side.size == 0) return side;
            side.gain = SeriesArray.holdingValue(_seriesOf(shelf, market).value, side.size);
            side.cost = side.gain;
            return side;
        }
        Perp memory perp = _perp(trader, market);
        (side.size, side.cost) = (perp.size, perp.cost);
        if (side.size == 0) return side;
        MarketView memory view_ = _marketOf(shelf, market);
        if (view_.status == MarketStatus.Closed) revert IOracle.MarketClosed(market);
        side.gain = PerpMath.unrealised(side.size, side.cost, view_.mark);
    }

    function _score(Shelf memory shelf, uint32 market, Side memory side, int256 equity)
        private
        view
        returns (uint256)
    {
        uint256 notional = uint256(side.gain);
        if (market < SERIES_START) {
            notional = PerpMath.value(side.size, _marketOf(shelf, market).mark).abs();
        }
        return DeleverageMath.score(side.gain, side.cost, notional, equity);
    }

    /// Trades both sides at the price, without fees: nobody is made to pay for what is forced on him.
    function _close(Attempt memory attempt, uint32 market, int256 failing, int256 winning)
        private
        view
    {
        int256 size = int256(failing.abs()).min(int256(winning.abs()));
        if (failing > 0) size = -size;
        attempt.size = size;
        (Shelf memory shelf, uint256 price) = (attempt.shelf, attempt.price);
        if (market < SERIES_START) {
            _tradePerp(shelf, attempt.bankrupt, market, size, price, 0);
            _tradePerp(shelf, attempt.counterparty, market, -size, price, 0);
            return;
        }
        int256 premium = PerpMath.value(size, price);
        _tradeOption(shelf, attempt.bankrupt, market, size, premium, 0);
        _tradeOption(shelf, attempt.counterparty, market, -size, -premium, 0);
    }

    /*─────────────────────────────── shares ──────────────────────────────*/

    /// p8; more than any price when the position carries no share.
    function _bankruptcyPrice(Attempt memory attempt, uint32 market, int256 size)
        private
        view
        returns (uint256)
    {
        (uint256 own, uint256 total) = _shares(attempt.shelf, attempt.bankrupt, market);
        if (own == 0) return type(uint256).max;
        int256 equity = _assess(attempt.shelf, attempt.bankrupt).equity;
        bool option = market >= SERIES_START;
        uint256 value = option
            ? _seriesOf(attempt.shelf, market).value
            : _marketOf(attempt.shelf, market).mark;
        uint256 tick = option
            ? optionRules[_seriesOf(attempt.shelf, market).underlying].tick
            : markets[market].rules.tick;
        return DeleverageMath.bankruptcyPrice(size, value, equity, own, total, tick);
    }

    /// What a position of the account counts with, and what all of them do, q6.
    function _shares(Shelf memory shelf, Trader memory trader, uint32 market)
        private
        view
        returns (uint256 own, uint256 total)
    {
        bool portfolio = _isPortfolio(trader);
        for (uint256 i = 0; i < trader.count; i++) {
            Perp memory perp = trader.perps[i];
            uint256 share = _perpShare(shelf, perp, portfolio);
            total += share;
            if (perp.market == market) own = share;
        }
        for (uint256 i = 0; i < trader.optionCount; i++) {
            Holding memory holding = trader.options[i];
            uint256 share = _optionShare(shelf, holding);
            total += share;
            if (holding.series == market) own = share;
        }
    }

    function _perpShare(Shelf memory shelf, Perp memory perp, bool portfolio)
        private
        view
        returns (uint256 share)
    {
        if (perp.size == 0) return 0;
        MarketView memory market = _marketOf(shelf, perp.market);
        if (market.status == MarketStatus.Closed) return 0;
        if (!portfolio) return PerpMath.requirement(perp.size, market.mark, market.mmf);
        PortfolioMath.Risk memory risk = _riskOf(market, perp.market);
        PortfolioMath.addPerp(risk, perp.size, Scenarios.perp(market.mark));
        (, share) = PortfolioMath.requirement(risk);
    }

    function _optionShare(Shelf memory shelf, Holding memory holding)
        private
        view
        returns (uint256 share)
    {
        if (holding.size >= 0) return 0;
        SeriesView memory series = _seriesOf(shelf, holding.series);
        PortfolioMath.Risk memory risk =
            _riskOf(_marketOf(shelf, series.underlying), series.underlying);
        SeriesArray.addTo(risk.pnl, series.words, holding.size);
        risk.naked = holding.size.abs();
        (, share) = PortfolioMath.requirement(risk);
    }

    function _riskOf(MarketView memory market, uint32 id)
        private
        pure
        returns (PortfolioMath.Risk memory risk)
    {
        (risk.market, risk.index) = (id, market.index);
        (risk.imf, risk.mmf) = (_initialFraction(market), market.mmf);
    }
}
