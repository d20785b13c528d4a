// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedMath} from "./FixedMath.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ PortfolioMath                                                                 │
│                                                                               │
│ Portfolio margin of one underlying: what the worst of the 24 scenarios loses, │
│ and a contingency for naked short options and for every perpetual.            │
──────────────────────────────────────────────────────────────────────────────*/
library PortfolioMath {
    using FixedMath for int256;

    /// p8 * s8 * ppm over q6.
    uint256 private constant CONTINGENCY_SIZE = 1e16;
    /// ppm of the index a naked short option needs.
    uint256 private constant NAKED_INITIAL = 5_000;
    uint256 private constant NAKED_MAINTENANCE = 3_000;
    /// ppm of the index a perpetual needs at least, and what of its own fraction the scenarios
    /// already hold.
    uint256 private constant PERP_INITIAL = 40_000;
    uint256 private constant PERP_INITIAL_HELD = 160_000;
    uint256 private constant PERP_MAINTENANCE = 30_000;
    uint256 private constant PERP_MAINTENANCE_HELD = 128_000;

    /// What an account holds of one underlying.
    struct Risk {
        uint32 market;
        /// p8.
        uint256 index;
        /// ppm.
        uint256 imf;
        /// ppm.
        uint256 mmf;
        /// s8: |size| of the perpetual.
        uint256 perp;
        /// s8: short calls and puts not covered by long ones of the same expiry and strike.
        uint256 naked;
        /// q6: PnL of each scenario.
        int256[24] pnl;
    }

    /// @notice The lowest scenario, q6, at most 0.
    function worst(int256[24] memory pnl) internal pure returns (int256 lowest) {
        for (uint256 i = 0; i < 24; i++) {
            if (pnl[i] < lowest) lowest = pnl[i];
        }
    }

    /// @notice Initial and maintenance margin of one underlying, q6.
    function requirement(Risk memory risk)
        internal
        pure
        returns (uint256 initial, uint256 maintenance)
    {
        uint256 loss = worst(risk.pnl).abs();
        uint256 heavy = _above(risk.imf, PERP_INITIAL_HELD, PERP_INITIAL);
        uint256 light = _above(risk.mmf, PERP_MAINTENANCE_HELD, PERP_MAINTENANCE);
        initial = loss + _contingency(risk, NAKED_INITIAL, heavy);
        maintenance =
            FixedMath.ceilDiv(loss * 4, 5) + _contingency(risk, NAKED_MAINTENANCE, light);
    }

    /// @notice Adds a perpetual of `size` (s8) to every scenario, given its PnL a unit (p8).
    function addPerp(Risk memory risk, int256 size, int256[24] memory unit) internal pure {
        risk.perp += size.abs();
        for (uint256 i = 0; i < 24; i++) {
            risk.pnl[i] += (size * unit[i]).floorDiv(1e10);
        }
    }

    function _above(uint256 fraction, uint256 held, uint256 least) private pure returns (uint256) {
        return fraction > held + least ? fraction - held : least;
    }

    /// Rounded up once, over both parts.
    function _contingency(Risk memory risk, uint256 naked, uint256 perp)
        private
        pure
        returns (uint256)
    {
        uint256 weighted = risk.naked * naked + risk.perp * perp;
        return FixedMath.ceilDiv(risk.index * weighted, CONTINGENCY_SIZE);
    }
}
