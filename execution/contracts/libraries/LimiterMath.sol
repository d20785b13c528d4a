// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Limiter} from "../SafetyTypes.sol";
import {FixedMath} from "./FixedMath.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ LimiterMath                                                                   │
│                                                                               │
│ How much a withdrawal limit lets leave. A capacity drifts toward a baseline,  │
│ a share of what the books hold; deposits lift it, withdrawals spend it. It    │
│ drifts from both sides, so that what deposits lifted it to fades as well.     │
──────────────────────────────────────────────────────────────────────────────*/
library LimiterMath {
    uint256 private constant PPM = 1e6;

    /// @notice Where the capacity drifts to, q6, when the books hold `custody` (q6).
    function baseline(Limiter memory limiter, uint256 custody) internal pure returns (uint256) {
        return FixedMath.max(limiter.minimum, custody * limiter.share / PPM);
    }

    /// @notice The capacity (q6) at `time` (s), before an operation that finds `custody` (q6): nearer
    /// to the baseline by max(baseline, capacity - baseline) a period, rounded down, and never past it.
    /// @dev A limiter that is off (period 0) keeps its capacity.
    function refill(Limiter memory limiter, uint256 custody, uint256 time)
        internal
        pure
        returns (uint256)
    {
        if (limiter.period == 0) return limiter.capacity;
        (uint256 target, uint256 capacity) = (baseline(limiter, custody), limiter.capacity);
        uint256 above = capacity > target ? capacity - target : 0;
        uint256 step = FixedMath.max(target, above) * (time - limiter.time) / limiter.period;
        if (capacity < target) return capacity + step < target ? capacity + step : target;
        return capacity > target + step ? capacity - step : target;
    }

    /// @notice The capacity (q6) after a deposit of `amount` (q6), which lifts it up to `cap` (q6) and
    /// never lowers it.
    function deposit(uint256 capacity, uint256 cap, uint256 amount)
        internal
        pure
        returns (uint256)
    {
        if (capacity >= cap) return capacity;
        return amount < cap - capacity ? capacity + amount : cap;
    }
}
