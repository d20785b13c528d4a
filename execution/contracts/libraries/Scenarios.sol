// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedMath} from "./FixedMath.sol";
import {Q96} from "./Q96.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Scenarios                                                                     │
│                                                                               │
│ The 24 futures in which portfolio margin values an account: the spot moves by │
│ u, the volatility up or down, and the outcome counts with a weight. First 16  │
│ moves within 16% at weight one, then 8 tails at weight 0.16 / |u|.            │
──────────────────────────────────────────────────────────────────────────────*/
library Scenarios {
    uint256 internal constant COUNT = 24;
    /// Of the first scenarios, which are not tails.
    uint256 internal constant CORE = 16;
    int256 internal constant PPM = 1e6;
    /// PPM^2, the unit of weight * u.
    uint256 private constant SHARE_ONE = 1e12;
    /// Times SHARE_ONE, makes every gain of a perpetual positive, so that division floors.
    uint256 private constant LIFT = 1 << 128;
    /// p8 * s8 over q6.
    uint256 private constant PRICE_SIZE = 1e10;

    /// With so long to live, volatility is stressed by 40% and 22%: m is one.
    uint256 private constant MONTH = 30 days;
    /// What lives shorter is stressed no more than this.
    uint256 private constant SHORTEST = 1 days;

    // ln(1 + u) in multiples of 2^-96; scripts/fit_normal.py derives them again.
    int256 private constant LN_116 = 11759044285878500045988598751;
    int256 private constant LN_112 = 8978823497031168542433391571;
    int256 private constant LN_108 = 6097481874400157825018715603;
    int256 private constant LN_104 = 3107385035633515442104846464;
    int256 private constant LN_096 = -3234251616007181656887304719;
    int256 private constant LN_092 = -6606171663723973269296983009;
    int256 private constant LN_088 = -10128003132731489241523264767;
    int256 private constant LN_084 = -13813698491618898392184333832;
    int256 private constant LN_034 = -85472107173133746473843783341;
    int256 private constant LN_067 = -31729101729674163172659374805;
    int256 private constant LN_150 = 32124255479057406416523745725;
    int256 private constant LN_200 = 54916777467707473351141471128;
    int256 private constant LN_300 = 87041032946764879767665216853;
    int256 private constant LN_400 = 109833554935414946702282942256;
    int256 private constant LN_500 = 127512808482947240738988467478;
    int256 private constant LN_600 = 141957810414472353118806687981;

    /// @notice The move u of scenario `i`, ppm.
    function move(uint256 i) internal pure returns (int256 ppm) {
        return moves()[i];
    }

    /// @notice What the outcome of scenario `i` is multiplied by, ppm.
    function weight(uint256 i) internal pure returns (uint256 ppm) {
        return uint256(weights()[i]);
    }

    /// @notice Whether volatility rises in scenario `i`; else it falls.
    function volatilityUp(uint256 i) internal pure returns (bool) {
        return i == 0 || i % 2 == 1 || i >= CORE;
    }

    /// @notice Every move, ppm.
    // forgefmt: disable-next-item
    function moves() internal pure returns (int256[24] memory) {
        return [
            int256(160_000), 120_000, 120_000, 80_000, 80_000, 40_000, 40_000, 0, 0,
            -40_000, -40_000, -80_000, -80_000, -120_000, -120_000, -160_000,
            -660_000, -330_000, 500_000, 1_000_000, 2_000_000, 3_000_000, 4_000_000, 5_000_000
        ];
    }

    /// @notice Every weight, ppm; of the tails 0.16 / |u|, truncated.
    // forgefmt: disable-next-item
    function weights() internal pure returns (int256[24] memory) {
        return [
            int256(1e6), 1e6, 1e6, 1e6, 1e6, 1e6, 1e6, 1e6,
            1e6, 1e6, 1e6, 1e6, 1e6, 1e6, 1e6, 1e6,
            242_424, 484_848, 320_000, 160_000, 80_000, 53_333, 40_000, 32_000
        ];
    }

    /// @notice Every ln(1 + u), Q96.
    // forgefmt: disable-next-item
    function logarithms() internal pure returns (int256[24] memory) {
        return [
            LN_116, LN_112, LN_112, LN_108, LN_108, LN_104, LN_104, 0, 0,
            LN_096, LN_096, LN_092, LN_092, LN_088, LN_088, LN_084,
            LN_034, LN_067, LN_150, LN_200, LN_300, LN_400, LN_500, LN_600
        ];
    }

    /// @notice What one unit of a perpetual at `mark` gains, weighted and floored, p8.
    /// @param mark p8, below 2^128.
    function perp(uint256 mark) internal pure returns (int256[24] memory a) {
        a = _shares();
        // A share is below 2^38 in magnitude, so that every sum is positive and none wraps.
        assembly ("memory-safe") {
            let lift := mul(LIFT, SHARE_ONE)
            let end := add(a, 768)
            for { let place := a } lt(place, end) { place := add(place, 32) } {
                let gain := add(mul(mload(place), mark), lift)
                mstore(place, sub(div(gain, SHARE_ONE), LIFT))
            }
        }
    }

    /// @notice Sets each of `gains` (q6) to what `size` (s8, int64) of a perpetual gains: floor(size * a
    /// / 1e10), with a as `perp` says.
    /// @dev The 24 scenarios have eleven shares, of which one is zero.
    /// @param mark p8, below 2^64.
    // forgefmt: disable-next-item
    function setPerp(int256[24] memory gains, uint256 mark, int256 size) internal pure {
        int256 gain = _gain(160_000e6, mark, size);
        gains[0] = gain; gains[18] = gain; gains[19] = gain;
        gains[20] = gain; gains[22] = gain; gains[23] = gain;
        gains[21] = _gain(53_333 * 3_000_000, mark, size);
        gain = _gain(120_000e6, mark, size);
        gains[1] = gain; gains[2] = gain;
        gain = _gain(80_000e6, mark, size);
        gains[3] = gain; gains[4] = gain;
        gain = _gain(40_000e6, mark, size);
        gains[5] = gain; gains[6] = gain;
        gains[7] = 0; gains[8] = 0;
        gain = _gain(-40_000e6, mark, size);
        gains[9] = gain; gains[10] = gain;
        gain = _gain(-80_000e6, mark, size);
        gains[11] = gain; gains[12] = gain;
        gain = _gain(-120_000e6, mark, size);
        gains[13] = gain; gains[14] = gain;
        gains[15] = _gain(-160_000e6, mark, size);
        gain = _gain(242_424 * -660_000, mark, size);
        gains[16] = gain; gains[17] = gain;
    }

    /// @dev What `size` gains with a share of `mark`, floored a unit and then as a whole, q6.
    function _gain(int256 share, uint256 mark, int256 size) private pure returns (int256 q6) {
        // As in `perp`; and |size * unit| is below 2^127, less than what is lifted by.
        assembly ("memory-safe") {
            let unit := sub(div(add(mul(share, mark), mul(LIFT, SHARE_ONE)), SHARE_ONE), LIFT)
            q6 := sub(div(add(mul(size, unit), mul(LIFT, PRICE_SIZE)), PRICE_SIZE), LIFT)
        }
    }

    /// @notice The volatilities of the scenarios, floored, in the unit of `volatility`: higher by
    /// 40% of m, lower by 22% of m, with m = (30 / max(1, days))^(0.30 below 30 days, else 0.13).
    function stressed(uint256 volatility, uint256 secondsLeft)
        internal
        pure
        returns (uint256 up, uint256 down)
    {
        uint256 ratio = (MONTH << 96) / FixedMath.max(SHORTEST, secondsLeft);
        int256 exponent = secondsLeft < MONTH ? int256(30) : int256(13);
        uint256 m = uint256(Q96.exp(Q96.ln(ratio) * exponent / 100));
        uint256 one = uint256(Q96.ONE) * 100;
        up = volatility * (one + 40 * m) / one;
        down = 22 * m < one ? volatility * (one - 22 * m) / one : 0;
    }

    /// @dev Every weight * u, in parts of SHARE_ONE.
    // forgefmt: disable-next-item
    function _shares() private pure returns (int256[24] memory) {
        return [
            int256(160_000e6), 120_000e6, 120_000e6, 80_000e6, 80_000e6, 40_000e6, 40_000e6, 0, 0,
            -40_000e6, -40_000e6, -80_000e6, -80_000e6, -120_000e6, -120_000e6, -160_000e6,
            242_424 * -660_000, 484_848 * -330_000, 320_000 * 500_000, 160_000e6,
            80_000 * 2_000_000, 53_333 * 3_000_000, 40_000 * 4_000_000, 32_000 * 5_000_000
        ];
    }
}
