// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IndexSample} from "../SafetyTypes.sol";
import {SampleMath} from "./SampleMath.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ IndexTwap                                                                     │
│                                                                               │
│ The index over half an hour, from one sample a minute: at each grid point the │
│ last index that was reported before it, carried forward over minutes without  │
│ a report.                                                                     │
──────────────────────────────────────────────────────────────────────────────*/
library IndexTwap {
    /// Seconds between two grid points; a bucket of samples lasts as long.
    uint256 internal constant STEP = 60;
    /// Grid points of one mean.
    uint256 internal constant POINTS = 30;

    /// @notice floor of the mean (p8) at the 30 grid points that end with `end`; 0 when `bucket`
    /// isn't the newest one with a report before `end`.
    /// @dev The sample at grid point g is the index of the newest bucket before g / 60. Points before
    /// a market's first report have none and don't count. Every point walks at most one link, since
    /// the point's own bucket is the only one that falls behind with it.
    /// @param base Storage key of the market's bucket 0. @param end Seconds, a multiple of 60.
    function mean(
        mapping(uint256 key => IndexSample) storage samples,
        uint256 base,
        uint256 bucket,
        uint256 end
    ) internal view returns (uint256) {
        uint256 point = end / STEP;
        IndexSample memory sample = samples[base | bucket];
        if (!_isNewest(sample, bucket, point)) return 0;
        uint256[] memory prices = new uint256[](POINTS);
        uint256 count = 0;
        for (; count < POINTS; (count, point) = (count + 1, point - 1)) {
            if (bucket >= point) {
                bucket = sample.previous;
                if (bucket == 0) break;
                sample = samples[base | bucket];
            }
            prices[count] = sample.index;
        }
        // Cuts the array to the points that have a sample: count is at most its length.
        assembly ("memory-safe") {
            mstore(prices, count)
        }
        return SampleMath.mean(prices);
    }

    function _isNewest(IndexSample memory sample, uint256 bucket, uint256 point)
        private
        pure
        returns (bool)
    {
        if (sample.index == 0 || bucket >= point) return false;
        return sample.next == 0 || sample.next >= point;
    }
}
