// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedMath} from "./FixedMath.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ PerpMath                                                                      │
│                                                                               │
│ What a perpetual's fill, funding and margin come to, on given inputs. Rounds  │
│ for the system: fees and requirements up, unrealised gains and payments down. │
│ What a fill runs checks its operands once, instead of each operation: every   │
│ one is below 2^112 in magnitude, as are all that fit the packed books, so     │
│ that products of two, and of two and a fraction, stay below 2^255. What ends  │
│ in OfBooks leaves that check out, for operands that come from packed fields.  │
──────────────────────────────────────────────────────────────────────────────*/
library PerpMath {
    using FixedMath for int256;

    /// p8 * s8 over q6.
    int256 internal constant PRICE_SIZE = 1e10;
    uint256 internal constant PPM = 1e6;
    /// s8 * f12 over q6.
    int256 internal constant FUNDING_SIZE = 1e14;
    /// r12 of one.
    int256 internal constant RATE_ONE = 1e12;
    /// Seconds that a funding rate is for.
    int256 internal constant RATE_PERIOD = 28800;
    /// p8 over USD.
    int256 internal constant PRICE_ONE = 1e8;
    /// Of notional: what a withdrawal leaves at least, one tenth.
    uint256 internal constant WITHDRAWAL_DIVISOR = 10;
    /// Seconds over which a higher maintenance fraction comes into force.
    uint256 internal constant RAMP = 24 hours;

    /// What positions add up to, before any rounding that spans positions.
    struct Sums {
        /// q6: sum of uPnL.
        int256 unrealised;
        /// q6: sum of min(0, uPnL).
        int256 losses;
        /// q6: sum of unsettled funding.
        int256 funding;
        /// q6.
        uint256 initial;
        /// q6.
        uint256 maintenance;
        /// p8 * s8: sum of |size| * mark.
        uint256 notional;
    }

    /// An operand that no position, price or amount of the books can be.
    error OperandOutOfBounds();

    int256 private constant OPERAND_END = 1 << 112;
    uint256 private constant OPERANDS = (1 << 113) - 1;
    /// Ends the fractions, ppm.
    uint256 private constant FRACTION_END = 1 << 24;
    /// p8 * s8 * ppm over q6.
    uint256 private constant FRACTION_UNIT = uint256(PRICE_SIZE) * PPM;

    /// @notice Signed value of `size` (s8) at `price` (p8), q6. Exact on a tick and lot grid.
    function value(int256 size, uint256 price) internal pure returns (int256) {
        _check(size, int256(price), 0);
        return valueOfBooks(size, price);
    }

    /// @notice As `value`, of operands below 2^112 in magnitude.
    function valueOfBooks(int256 size, uint256 price) internal pure returns (int256) {
        unchecked {
            return size * int256(price) / PRICE_SIZE;
        }
    }

    /// @notice Fee in q6 on a positive notional (q6) at a signed rate (ppm); negative: a rebate.
    function fee(uint256 notional, int256 ppm) internal pure returns (int256) {
        _check(int256(notional), ppm, 0);
        return feeOfBooks(notional, ppm);
    }

    /// @notice As `fee`, of operands below 2^112 in magnitude.
    function feeOfBooks(uint256 notional, int256 ppm) internal pure returns (int256) {
        unchecked {
            return (int256(notional) * ppm).ceilDiv(int256(PPM));
        }
    }

    /// @notice A position after trading `delta` (s8, signed) at `price` (p8).
    /// @return newSize s8. @return newCost q6. @return realised q6, to be added to cash.
    function trade(int256 size, int256 cost, int256 delta, uint256 price)
        internal
        pure
        returns (int256 newSize, int256 newCost, int256 realised)
    {
        _check(size, cost, delta, int256(price));
        return tradeOfBooks(size, cost, delta, price);
    }

    /// @notice As `trade`, of operands below 2^112 in magnitude.
    function tradeOfBooks(int256 size, int256 cost, int256 delta, uint256 price)
        internal
        pure
        returns (int256 newSize, int256 newCost, int256 realised)
    {
        unchecked {
            newSize = size + delta;
            newCost = cost;
            int256 opened = delta;
            if (size != 0 && (size < 0) != (delta < 0)) {
                bool whole = delta.abs() >= size.abs();
                int256 closed = whole ? -size : delta;
                int256 released =
                    whole ? cost : (cost * int256(closed.abs())).ceilDiv(int256(size.abs()));
                realised = -valueOfBooks(closed, price) - released;
                newCost -= released;
                opened -= closed;
            }
            newCost += valueOfBooks(opened, price);
        }
    }

    /// @notice Unrealised gain of a position at `mark` (p8), q6, floored.
    function unrealised(int256 size, int256 cost, uint256 mark) internal pure returns (int256) {
        _check(size, int256(mark), cost);
        unchecked {
            return (size * int256(mark)).floorDiv(PRICE_SIZE) - cost;
        }
    }

    /// @notice Initial margin fraction (ppm) at open interest `oi`: from `base` at `low` to 100% at
    /// `high` (s8), in a line, rounded up.
    function initialFraction(uint256 base, uint256 low, uint256 high, uint256 oi)
        internal
        pure
        returns (uint256)
    {
        if (oi <= low) return base;
        if (oi >= high) return PPM;
        return base + FixedMath.ceilDiv((PPM - base) * (oi - low), high - low);
    }

    /// @notice Maintenance fraction (ppm) in force: a rise comes in a line over `RAMP` seconds,
    /// rounded up; a fall at once.
    function maintenanceFraction(uint256 from, uint256 to, uint256 elapsed)
        internal
        pure
        returns (uint256)
    {
        if (from >= to || elapsed >= RAMP) return to;
        return from + FixedMath.ceilDiv((to - from) * elapsed, RAMP);
    }

    /// @notice `fraction` (ppm) of |size| * mark in q6, rounded up once.
    function requirement(int256 size, uint256 mark, uint256 fraction)
        internal
        pure
        returns (uint256)
    {
        _check(size, int256(mark), 0);
        if (fraction >= FRACTION_END) revert OperandOutOfBounds();
        unchecked {
            return FixedMath.ceilDiv(size.abs() * mark * fraction, FRACTION_UNIT);
        }
    }

    /// @notice Starts over.
    function clear(Sums memory sums) internal pure {
        // All six members at once: beyond the end of calldata there are zeros.
        assembly ("memory-safe") {
            calldatacopy(sums, calldatasize(), 192)
        }
    }

    /// @notice Adds one position to `sums`; fractions in ppm, `accrued` funding
    /// since it was last settled in f12.
    function add(
        Sums memory sums,
        int256 size,
        int256 cost,
        uint256 mark,
        int256 accrued,
        uint256 imf,
        uint256 mmf
    ) internal pure {
        _check(size, cost, accrued, int256(mark));
        if ((imf | mmf) >= FRACTION_END) revert OperandOutOfBounds();
        // Each is below 2^224, and nobody adds up 2^30 positions.
        unchecked {
            int256 gain = (size * int256(mark)).floorDiv(PRICE_SIZE) - cost;
            sums.unrealised += gain;
            if (gain < 0) sums.losses += gain;
            sums.funding += (-size * accrued).floorDiv(FUNDING_SIZE);
            uint256 notional = size.abs() * mark;
            sums.initial += FixedMath.ceilDiv(notional * imf, FRACTION_UNIT);
            sums.maintenance += FixedMath.ceilDiv(notional * mmf, FRACTION_UNIT);
            sums.notional += notional;
        }
    }

    /// @notice Equity of an account with `cash` (q6), q6.
    function equity(Sums memory sums, int256 cash) internal pure returns (int256) {
        return cash + sums.unrealised + sums.funding;
    }

    /// @notice What may leave an account with `cash` (q6): no unrealised gain, and not what its
    /// positions need. q6.
    function withdrawable(Sums memory sums, int256 cash) internal pure returns (uint256) {
        uint256 tenth = FixedMath.ceilDiv(sums.notional, uint256(PRICE_SIZE) * WITHDRAWAL_DIVISOR);
        int256 needed = int256(FixedMath.max(sums.initial, tenth));
        int256 free = cash + sums.funding + sums.losses - needed;
        return uint256(cash.min(free).max(0));
    }

    /// @notice Premium sample, r12 clamped to +-cap; prices p8, `bid` or `ask` 0 when missing.
    function premium(uint256 bid, uint256 ask, uint256 index, uint256 cap)
        internal
        pure
        returns (int256)
    {
        int256 x = int256(index);
        int256 above = (int256(bid) - x).max(0);
        int256 below = ask == 0 ? int256(0) : (x - int256(ask)).max(0);
        return ((above - below) * RATE_ONE / x).clamp(int256(cap));
    }

    /// @notice Funding rate of 8 h from the interval's mean premium; all r12.
    function fundingRate(int256 mean, int256 interest, uint256 interestClamp, uint256 cap)
        internal
        pure
        returns (int256)
    {
        int256 pull = (interest - mean).clamp(int256(interestClamp));
        return (mean + pull).clamp(int256(cap));
    }

    /// @notice Change of the funding index (f12) for `elapsed` seconds at `rate` (r12) and `index`
    /// (p8).
    function fundingDelta(int256 rate, uint256 index, uint256 elapsed)
        internal
        pure
        returns (int256)
    {
        return rate * int256(index) * int256(elapsed) / (RATE_PERIOD * PRICE_ONE);
    }

    /// @notice Funding of a position (s8) to its cash (q6) when the index moved by `delta` (f12).
    function fundingPayment(int256 size, int256 delta) internal pure returns (int256) {
        _check(size, delta, 0);
        return fundingPaymentOfBooks(size, delta);
    }

    /// @notice As `fundingPayment`, of operands below 2^112 in magnitude.
    function fundingPaymentOfBooks(int256 size, int256 delta) internal pure returns (int256) {
        unchecked {
            return (-size * delta).floorDiv(FUNDING_SIZE);
        }
    }

    function _check(int256 a, int256 b, int256 c) private pure {
        if ((_lift(a) | _lift(b) | _lift(c)) > OPERANDS) revert OperandOutOfBounds();
    }

    function _check(int256 a, int256 b, int256 c, int256 d) private pure {
        if ((_lift(a) | _lift(b) | _lift(c) | _lift(d)) > OPERANDS) revert OperandOutOfBounds();
    }

    /// At most OPERANDS for an operand within bounds.
    function _lift(int256 a) private pure returns (uint256) {
        // Whatever wraps here is beyond the bounds, and stays so.
        unchecked {
            return uint256(a + OPERAND_END);
        }
    }
}
