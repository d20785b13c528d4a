// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedMath} from "./FixedMath.sol";
import {PerpMath} from "./PerpMath.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ LiquidationMath                                                               │
│                                                                               │
│ How much of a failing account is closed, at which price, and for which fee    │
│ (MARGIN.md, "When an account fails", 1).                                      │
──────────────────────────────────────────────────────────────────────────────*/
library LiquidationMath {
    using FixedMath for int256;

    int256 private constant PPM = 1e6;
    /// p8 * s8 * ppm over q6.
    int256 private constant PRICE_SIZE_PPM = 1e16;
    /// Equity is to reach 5/4 of maintenance.
    int256 private constant TARGET_OVER = 5;
    int256 private constant TARGET_UNDER = 4;
    /// What rounding can add to 4 E - 5 MM: less than 1 in the equity, and less than 1 in the
    /// requirement.
    int256 private constant ROUNDING = TARGET_OVER + TARGET_UNDER;
    /// Lots that are tried one by one before strides double. Rounding moves the answer by less than a
    /// lot unless a lot is worth so little that nobody would notice one.
    uint256 private constant TRIES = 64;

    /// A position of an account that is to be closed in part.
    struct Failing {
        /// s8.
        int256 size;
        /// q6, of the account.
        int256 equity;
        /// q6: maintenance of the account's other positions.
        uint256 others;
        /// p8.
        uint256 mark;
        /// p8: of the fill.
        uint256 price;
        /// ppm.
        uint256 mmf;
        /// ppm.
        uint256 fee;
    }

    /// @notice How much of a position in cross margin (s8, unsigned) a liquidation closes: the
    /// smallest multiple of `lot` after which equity is 1.25 of maintenance, all of it when none is.
    /// @param position s8, not 0. @param equity Of the account, q6. @param others Maintenance of the
    /// account's other positions, q6. @param mark p8. @param price Of the fill, p8.
    /// @param mmf ppm. @param fee ppm. @param lot s8.
    function size(
        int256 position,
        int256 equity,
        uint256 others,
        uint256 mark,
        uint256 price,
        uint256 mmf,
        uint256 fee,
        uint256 lot
    ) internal pure returns (uint256) {
        Failing memory failing = Failing(position, equity, others, mark, price, mmf, fee);
        uint256 held = position.abs();
        uint256 lots = held / lot;
        uint256 first = _fewest(failing, lot);
        for (uint256 tried = 0; first < lots; tried++) {
            if (_suffices(failing, first * lot)) return first * lot;
            // Strides double in the end, so that gas is bounded too where a lot is worth nothing.
            first += 1 << (tried / TRIES);
        }
        return held;
    }

    /// @notice Whether an account needs no further liquidation: equity is 1.25 of maintenance.
    function isSafe(int256 equity, uint256 maintenance) internal pure returns (bool) {
        return equity * TARGET_UNDER >= int256(maintenance) * TARGET_OVER;
    }

    /// @notice Fee of a fill, q6: `ppm` of its notional (q6), and no more than the equity (q6) that
    /// the fill left, so that it never makes a debt.
    function charge(uint256 notional, uint256 ppm, int256 equity) internal pure returns (uint256) {
        int256 due = PerpMath.fee(notional, int256(ppm));
        return uint256(due.min(equity).max(0));
    }

    /// @notice Equity (q6) of the account once `closed` (s8, unsigned) of the position has been closed
    /// at the price and the fee was taken.
    function equityAfter(Failing memory failing, uint256 closed)
        internal
        pure
        returns (int256 equity)
    {
        int256 paid = PerpMath.value(withSign(closed, failing.size), failing.price);
        // Cost and cash move by the same amount, so that only the value at the mark matters.
        equity = failing.equity + paid
            + PerpMath.unrealised(left(failing, closed), 0, failing.mark)
            - PerpMath.unrealised(failing.size, 0, failing.mark);
        equity -= int256(charge(paid.abs(), failing.fee, equity));
    }

    /// @notice The position (s8) once `closed` (s8, unsigned) of it has been closed.
    function left(Failing memory failing, uint256 closed) internal pure returns (int256) {
        return failing.size - withSign(closed, failing.size);
    }

    /// @notice `amount` (s8, unsigned) with the sign of `position`.
    function withSign(uint256 amount, int256 position) internal pure returns (int256) {
        return position < 0 ? -int256(amount) : int256(amount);
    }

    /// @notice What the backstop pays (p8) for a position of `held` (s8): the mark less the
    /// slippage (ppm, below one), on the tick, rounded against who fails. May be 0 for a long.
    function backstopPrice(int256 held, uint256 mark, uint256 slippage, uint256 tick)
        internal
        pure
        returns (uint256)
    {
        // Marks and ticks are below 2^64, and a slippage below 2^24.
        unchecked {
            uint256 step = tick * uint256(PPM);
            uint256 rest = step - 1;
            if (held > 0) (slippage, rest) = (uint256(-int256(slippage)), 0);
            return (mark * (uint256(PPM) + slippage) + rest) / step * tick;
        }
    }

    /// Below this many lots the target is out of reach, whatever the rounding: unrounded,
    /// 4 E - 5 MM rises in a line with what is closed. Where it doesn't rise, no number is enough.
    function _fewest(Failing memory failing, uint256 lot) private pure returns (uint256) {
        uint256 own = PerpMath.requirement(failing.size, failing.mark, failing.mmf);
        // Prices are below 2^64, rates below 2^24, amounts below 2^97, and a lot below 2^64.
        unchecked {
            int256 adverse = int256(failing.mark) - int256(failing.price);
            if (failing.size < 0) adverse = -adverse;
            int256 lost = adverse * PPM + int256(failing.fee * failing.price);
            int256 slope =
                int256(failing.mmf * failing.mark) * TARGET_OVER - lost * TARGET_UNDER;
            if (slope <= 0) return type(uint256).max;
            int256 need = int256(failing.others + own) * TARGET_OVER
                - failing.equity * TARGET_UNDER - ROUNDING;
            int256 step = slope * int256(lot);
            return uint256((need * PRICE_SIZE_PPM).ceilDiv(step).max(1));
        }
    }

    /// Whether closing `closed` (s8) of the position, not all of it, makes the account safe.
    function _suffices(Failing memory failing, uint256 closed) private pure returns (bool) {
        uint256 own =
            PerpMath.requirement(left(failing, closed), failing.mark, failing.mmf);
        return isSafe(equityAfter(failing, closed), failing.others + own);
    }
}
