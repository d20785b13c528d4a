// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/*──────────────────────────────────────────────────────────────────────────────
│ SampleMath                                                                    │
│                                                                               │
│ The mean that an expiry or the end of a market settles at.                    │
──────────────────────────────────────────────────────────────────────────────*/
library SampleMath {
    /// @notice floor of the unweighted mean, in the samples' unit; 0 of none.
    /// @param samples Prices, p8: a sum of as many as memory holds is below 2^256.
    function mean(uint256[] memory samples) internal pure returns (uint256) {
        if (samples.length == 0) return 0;
        uint256 sum;
        for (uint256 i = 0; i < samples.length; i++) {
            sum += samples[i];
        }
        return sum / samples.length;
    }
}
