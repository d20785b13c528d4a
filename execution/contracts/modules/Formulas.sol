// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Module} from "../Module.sol";
import {OptionInput} from "../OptionTypes.sol";
import {Limiter} from "../SafetyTypes.sol";
import {PerpInput, Standing} from "../Types.sol";
import {IFormulas} from "../interfaces/IFormulas.sol";
import {DeleverageMath} from "../libraries/DeleverageMath.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {LimiterMath} from "../libraries/LimiterMath.sol";
import {LiquidationMath} from "../libraries/LiquidationMath.sol";
import {OptionMath} from "../libraries/OptionMath.sol";
import {PerpMath} from "../libraries/PerpMath.sol";
import {PortfolioMath} from "../libraries/PortfolioMath.sol";
import {SampleMath} from "../libraries/SampleMath.sol";
import {Scenarios} from "../libraries/Scenarios.sol";
import {SeriesArray} from "../libraries/SeriesArray.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Formulas                                                                      │
│                                                                               │
│ What the books compute of options, portfolio margin, failing accounts and     │
│ breakers, on given inputs: the same library code, and no storage.             │
──────────────────────────────────────────────────────────────────────────────*/
contract Formulas is IFormulas, Module {
    using FixedMath for int256;

    /// p8: the highest price that the oracle takes, 1e9 USD.
    uint256 private constant PRICE_MAX = 1e17;

    /*─────────────────────────────── options ─────────────────────────────*/

    /// @inheritdoc IFormulas
    function optionValue(
        bool isPut,
        uint256 forward,
        uint256 strike,
        uint256 volatility,
        uint256 secondsLeft,
        uint256 discount
    ) external pure returns (uint256) {
        return OptionMath.value(isPut, forward, strike, volatility, secondsLeft, discount);
    }

    /// @inheritdoc IFormulas
    function optionDelta(
        bool isPut,
        uint256 forward,
        uint256 strike,
        uint256 volatility,
        uint256 secondsLeft,
        uint256 discount
    ) external pure returns (int256) {
        return OptionMath.delta(isPut, forward, strike, volatility, secondsLeft, discount);
    }

    /// @inheritdoc IFormulas
    function optionScenarios(
        bool isPut,
        uint256 forward,
        uint256 strike,
        uint256 volatility,
        uint256 secondsLeft,
        uint256 discount
    ) external pure returns (int256[24] memory pnl, uint256 value) {
        return OptionMath.scenarios(isPut, forward, strike, volatility, secondsLeft, discount);
    }

    /// @inheritdoc IFormulas
    function perpScenarios(uint256 mark) external pure returns (int256[24] memory pnl) {
        return Scenarios.perp(mark);
    }

    /// @inheritdoc IFormulas
    function stressedVolatility(uint256 volatility, uint256 secondsLeft)
        external
        pure
        returns (uint256 up, uint256 down)
    {
        return Scenarios.stressed(volatility, secondsLeft);
    }

    /// @inheritdoc IFormulas
    function optionPayoff(bool isPut, uint256 strike, uint256 settlement, int256 size)
        external
        pure
        returns (int256)
    {
        return OptionMath.payoff(isPut, strike, settlement, size);
    }

    /// @inheritdoc IFormulas
    function samplesMean(uint256[] calldata samples) external pure returns (uint256) {
        return SampleMath.mean(samples);
    }

    /*────────────────────────── portfolio margin ─────────────────────────*/

    /// @inheritdoc IFormulas
    function portfolioStanding(
        int256 cash,
        uint256[] calldata indexes,
        PerpInput[] calldata perps,
        OptionInput[] calldata options
    ) external pure returns (Standing memory result, int256[24][] memory pnl) {
        if (perps.length != indexes.length) revert LengthsDiffer(indexes.length, perps.length);
        PerpMath.Sums memory sums;
        PortfolioMath.Risk[] memory risks = new PortfolioMath.Risk[](indexes.length);
        for (uint256 i = 0; i < indexes.length; i++) {
            if (!_isBounded(perps[i], indexes[i])) revert PerpOutOfBounds(i);
            _addPerp(sums, risks[i], perps[i], indexes[i]);
        }
        (sums.initial, sums.maintenance) = (0, 0);
        int256 value;
        for (uint256 i = 0; i < options.length; i++) {
            value += _addOption(risks, options, i);
        }
        sums.unrealised += value;
        sums.losses += value.min(0);
        pnl = new int256[24][](indexes.length);
        for (uint256 i = 0; i < indexes.length; i++) {
            (uint256 initial, uint256 maintenance) = PortfolioMath.requirement(risks[i]);
            sums.initial += initial;
            sums.maintenance += maintenance;
            pnl[i] = risks[i].pnl;
        }
        result = _standingOf(sums, cash, false);
    }

    /// Whether the scenarios can be added up without a check of each product.
    function _isBounded(PerpInput calldata p, uint256 index) private pure returns (bool) {
        return p.size.fitsInt64() && p.mark <= PRICE_MAX && index <= PRICE_MAX;
    }

    function _addPerp(
        PerpMath.Sums memory sums,
        PortfolioMath.Risk memory risk,
        PerpInput calldata p,
        uint256 index
    ) private pure {
        PerpMath.add(sums, p.size, p.cost, p.mark, p.fundingDelta, p.imf, p.mmf);
        (risk.index, risk.imf, risk.mmf) = (index, p.imf, p.mmf);
        PortfolioMath.addPerp(risk, p.size, Scenarios.perp(p.mark));
    }

    /// Prices a holding as `priceSeries` would, and adds it to its underlying. Returns its value, q6.
    function _addOption(
        PortfolioMath.Risk[] memory risks,
        OptionInput[] calldata options,
        uint256 which
    ) private pure returns (int256) {
        OptionInput calldata o = options[which];
        if (!o.size.fitsInt64()) revert OptionOutOfBounds(which);
        (int256[24] memory unit, uint256 value) = OptionMath.scenarios(
            o.isPut, o.forward, o.strike, o.volatility, o.secondsLeft, o.discount
        );
        PortfolioMath.Risk memory risk = risks[o.underlying];
        if (!SeriesArray.fits(unit, value, risk.index)) revert OptionOutOfBounds(which);
        SeriesArray.addTo(risk.pnl, SeriesArray.pack(unit, value, 0, risk.index), o.size);
        risk.naked += _naked(options, which);
        return SeriesArray.holdingValue(value, o.size);
    }

    /// Naked shorts (s8) of the strike of option number `which`, counted once a strike: at its first
    /// option.
    function _naked(OptionInput[] calldata options, uint256 which) private pure returns (uint256) {
        int256 size = 0;
        for (uint256 i = 0; i < options.length; i++) {
            if (!_isSameStrike(options[i], options[which])) continue;
            if (i < which) return 0;
            size += options[i].size;
        }
        return uint256((-size).max(0));
    }

    function _isSameStrike(OptionInput calldata a, OptionInput calldata b)
        private
        pure
        returns (bool)
    {
        return a.underlying == b.underlying && a.strike == b.strike && a.expiry == b.expiry;
    }

    /*────────────────────────── failing accounts ─────────────────────────*/

    /// @inheritdoc IFormulas
    function liquidationSize(
        int256 size,
        int256 equity,
        uint256 others,
        uint256 mark,
        uint256 price,
        uint256 mmf,
        uint256 fee,
        uint256 lot
    ) external pure returns (uint256) {
        return LiquidationMath.size(size, equity, others, mark, price, mmf, fee, lot);
    }

    /// @inheritdoc IFormulas
    function bankruptcyPrice(
        int256 size,
        uint256 mark,
        int256 equity,
        uint256 positionMaintenance,
        uint256 maintenance,
        uint256 tick
    ) external pure returns (uint256) {
        return DeleverageMath.bankruptcyPrice(
            size, mark, equity, positionMaintenance, maintenance, tick
        );
    }

    /// @inheritdoc IFormulas
    function deleverageScore(int256 unrealised, int256 cost, uint256 notional, int256 equity)
        external
        pure
        returns (uint256)
    {
        return DeleverageMath.score(unrealised, cost, notional, equity);
    }

    /// @inheritdoc IFormulas
    /// @dev Failing is one-sided where size * tick is a multiple of 1e10, as the grid of every
    /// market has it: equity then moves by a whole step with each tick, maintenance by no more.
    function liquidationPrice(
        int256 cash,
        PerpInput[] calldata perps,
        uint256 which,
        uint256 tick
    ) external pure returns (uint256) {
        PerpMath.Sums memory others;
        for (uint256 i = 0; i < perps.length; i++) {
            PerpInput calldata p = perps[i];
            if (i == which) continue;
            PerpMath.add(others, p.size, p.cost, p.mark, p.fundingDelta, p.imf, p.mmf);
        }
        PerpInput calldata moved = perps[which];
        if (moved.size == 0) return 0;
        int256 room = PerpMath.equity(others, cash) - int256(others.maintenance)
            + PerpMath.fundingPayment(moved.size, moved.fundingDelta);
        return _lastFailing(room, moved, tick) * tick;
    }

    /// The failing number of ticks nearest to where the position is sound, 0 when none fails. `room`
    /// (q6) is what the rest of the account has above its maintenance.
    function _lastFailing(int256 room, PerpInput calldata p, uint256 tick)
        private
        pure
        returns (uint256 failing)
    {
        uint256 sound = PRICE_MAX / tick;
        failing = 1;
        if (p.size < 0) (failing, sound) = (sound, failing);
        if (!_fails(room, p, failing * tick)) return 0;
        if (_fails(room, p, sound * tick)) return sound;
        while (failing + 1 != sound && sound + 1 != failing) {
            uint256 middle = (failing + sound) / 2;
            if (_fails(room, p, middle * tick)) failing = middle;
            else sound = middle;
        }
        return failing;
    }

    function _fails(int256 room, PerpInput calldata p, uint256 mark) private pure returns (bool) {
        int256 gain = PerpMath.unrealised(p.size, p.cost, mark);
        return room + gain < int256(PerpMath.requirement(p.size, mark, p.mmf));
    }

    /*────────────────────────────── breakers ─────────────────────────────*/

    /// @inheritdoc IFormulas
    function limiterRefill(Limiter calldata limiter, uint256 custody, uint256 time)
        external
        pure
        returns (uint256)
    {
        return LimiterMath.refill(limiter, custody, time);
    }

    /// @inheritdoc IFormulas
    function limiterDeposit(uint256 capacity, uint256 cap, uint256 amount)
        external
        pure
        returns (uint256)
    {
        return LimiterMath.deposit(capacity, cap, amount);
    }
}
