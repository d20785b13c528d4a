// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OptionRules} from "../OptionTypes.sol";
import {Limiter, SafetyRules} from "../SafetyTypes.sol";
import {FundingRules, MarketCaps, MarketRules} from "../Types.sol";
import {IAdmin} from "../interfaces/IAdmin.sol";
import {PortfolioMath} from "./PortfolioMath.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Configuration                                                                 │
│                                                                               │
│ What parameters may not say, whoever sets them: BadConfig names the field     │
│ that contradicts itself, the others or the arithmetic.                        │
──────────────────────────────────────────────────────────────────────────────*/
library Configuration {
    uint256 private constant PPM = 1e6;
    /// p8 * s8 over q6.
    uint256 private constant PRICE_SIZE = 1e10;
    uint256 private constant RATE_ONE = 1e12;
    /// ppm: no fee, rebate or penalty above 10%.
    int256 private constant FEE_MAX = 1e5;
    /// s8: what fits a position.
    uint256 private constant SIZE_END = 1 << 63;
    /// ppm: fills at the mark are possible in any band, so that no band can keep positions open.
    uint256 private constant PRICE_BAND_MIN = 100;
    /// p8: the lowest index that the oracle takes.
    uint256 private constant STRIKE_MIN = 1e6;
    /// p8: what fits a scenario array.
    uint256 private constant STRIKE_END = 1 << 47;
    /// Seconds: what the pricer's error bound is proven for.
    uint256 private constant EXPIRY_SECONDS_MAX = 3 * 365 days;
    /// Seconds of the sampling grid.
    uint256 private constant GRID = 60;
    /// A limit slows withdrawals and these three keep it from stopping them: within a week at least
    /// a hundredth of what the books hold may leave. A USD also is more q6 than a week has seconds,
    /// so that a second's refill never rounds to nothing.
    uint256 private constant LIMITER_PERIOD_MAX = 7 days;
    uint256 private constant LIMITER_SHARE_MIN = 10_000;
    uint256 private constant LIMITER_MINIMUM = 1e6;

    /// @notice Grid, fractions and staleness. Initial margin covers maintenance margin in cross and
    /// in portfolio margin, whatever open interest adds to it.
    function checkRules(MarketRules memory rules) internal pure {
        _checkGrid(rules.tick, rules.lot);
        if (rules.mmf == 0 || rules.mmf > rules.imf || rules.imf > PPM) {
            revert IAdmin.BadConfig("fractions");
        }
        PortfolioMath.Risk memory unit;
        // The product of the two is the contingency's divisor over ppm: a requirement is its ppm.
        (unit.perp, unit.index) = (PRICE_SIZE, PPM);
        (unit.imf, unit.mmf) = (rules.imf, rules.mmf);
        (uint256 initial, uint256 maintenance) = PortfolioMath.requirement(unit);
        if (initial < maintenance) revert IAdmin.BadConfig("fractions");
        if (rules.staleSeconds == 0) revert IAdmin.BadConfig("staleSeconds");
    }

    function checkCaps(MarketCaps memory caps) internal pure {
        if (caps.oiLow > caps.oiHigh) revert IAdmin.BadConfig("oiLow");
        if (caps.oiCap >= SIZE_END) revert IAdmin.BadConfig("oiCap");
        _checkBand(caps.priceBand);
        if (caps.markBand >= PPM) revert IAdmin.BadConfig("markBand");
    }

    function checkFunding(FundingRules memory rules) internal pure {
        if (rules.interval == 0 || rules.samples == 0 || rules.maxIntervals == 0) {
            revert IAdmin.BadConfig("interval");
        }
        if (rules.interval % rules.samples != 0) revert IAdmin.BadConfig("samples");
        if (rules.cap > RATE_ONE) revert IAdmin.BadConfig("cap");
        int256 cap = int256(uint256(rules.cap));
        if (rules.interest > cap || rules.interest < -cap) revert IAdmin.BadConfig("interest");
        if (rules.interestClamp > rules.cap) revert IAdmin.BadConfig("interestClamp");
    }

    /// @notice Whoever takes from whomever, the two fees add up to zero or more.
    function checkFees(int32[8] memory fees) internal pure {
        (int256 taker, int256 maker) = (FEE_MAX, FEE_MAX);
        for (uint256 i = 0; i < 8; i++) {
            if (fees[i] > FEE_MAX || fees[i] < -FEE_MAX) revert IAdmin.BadConfig("fees");
            if (i % 2 == 0 && fees[i] < taker) taker = fees[i];
            if (i % 2 == 1 && fees[i] < maker) maker = fees[i];
        }
        if (taker + maker < 0) revert IAdmin.BadConfig("fees");
    }

    /// @notice That liquidations help, given the lowest maintenance fraction (ppm) in force or to
    /// come. One takes fee and slippage from equity for each unit of notional that it closes and frees
    /// 1.25 of maintenance; unless the latter is more, no size reaches the target.
    function checkSlippage(SafetyRules memory rules, uint256 mmf) internal pure {
        uint256 taken = uint256(rules.liquidationFee) + rules.slippage;
        if (taken * 4 >= mmf * 5) revert IAdmin.BadConfig("slippage");
    }

    function checkSafety(SafetyRules memory rules) internal pure {
        if (rules.exitPenalty > uint256(FEE_MAX)) revert IAdmin.BadConfig("exitPenalty");
        if (rules.exitWindow == 0) revert IAdmin.BadConfig("exitWindow");
        if (rules.pauseMove == 0) return;
        if (rules.pauseWindow == 0) revert IAdmin.BadConfig("pauseWindow");
        if (rules.pauseSeconds == 0) revert IAdmin.BadConfig("pauseSeconds");
    }

    /// @notice A cap of 0 stops options from growing; a grid there must be.
    function checkOptions(OptionRules memory rules) internal pure {
        _checkGrid(rules.tick, rules.lot);
        if (rules.oiCap >= SIZE_END) revert IAdmin.BadConfig("oiCap");
        _checkBand(rules.priceBand);
    }

    /// @param expiry Seconds. @param price p8. @param tick p8. @param time Seconds: now.
    function checkStrike(uint256 expiry, uint256 price, uint256 tick, uint256 time)
        internal
        pure
    {
        bool placed = expiry % GRID == 0 && expiry > time && expiry - time <= EXPIRY_SECONDS_MAX;
        if (!placed) revert IAdmin.BadConfig("expiry");
        bool priced = price >= STRIKE_MIN && price < STRIKE_END && price % tick == 0;
        if (!priced) revert IAdmin.BadConfig("price");
    }

    function checkLimiter(Limiter memory limiter) internal pure {
        if (limiter.period == 0 || limiter.period > LIMITER_PERIOD_MAX) {
            revert IAdmin.BadConfig("period");
        }
        if (limiter.share < LIMITER_SHARE_MIN || limiter.share > PPM) {
            revert IAdmin.BadConfig("share");
        }
        if (limiter.minimum < LIMITER_MINIMUM) revert IAdmin.BadConfig("minimum");
    }

    /// @notice Whether the limit `next` could ever let more leave than `old`, which is on. Deposits must
    /// not lift it above its minimum: what they add fades over the period, so that a longer one would
    /// keep it for longer.
    function loosens(Limiter memory old, Limiter memory next) internal pure returns (bool) {
        return next.period < old.period || next.share > old.share || next.minimum > old.minimum
            || next.cap > old.cap || next.cap > next.minimum;
    }

    /// So that every notional on the grid is exact.
    function _checkGrid(uint256 tick, uint256 lot) private pure {
        if (tick == 0 || lot == 0 || tick * lot % PRICE_SIZE != 0) {
            revert IAdmin.BadConfig("grid");
        }
    }

    function _checkBand(uint256 band) private pure {
        if (band < PRICE_BAND_MIN || band > PPM) revert IAdmin.BadConfig("priceBand");
    }
}
