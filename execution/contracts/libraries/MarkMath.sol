// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedMath} from "./FixedMath.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ MarkMath                                                                      │
│                                                                               │
│ From signed reports to an index, and from index and book to the mark.         │
──────────────────────────────────────────────────────────────────────────────*/
library MarkMath {
    using FixedMath for int256;

    int256 internal constant WAD = 1e18;
    uint256 internal constant PPM = 1e6;
    /// Seconds from which e^(-t/150) * 1e18 is below one.
    uint256 private constant DECAY_END = 8192;

    /// @notice First value, in rising order, whose cumulative weight is half of all or more.
    /// @dev Sorts by insertion the places of the values, which stay as they are; callers bound their
    /// number.
    function weightedMedian(uint256[] memory values, uint256[] memory weights)
        internal
        pure
        returns (uint256)
    {
        uint256[] memory order = new uint256[](values.length);
        uint256 total;
        for (uint256 i = 0; i < values.length; i++) {
            total += weights[i];
            uint256 j = i;
            for (; j > 0 && values[order[j - 1]] > values[i]; j--) {
                order[j] = order[j - 1];
            }
            order[j] = i;
        }
        uint256 cumulative;
        for (uint256 i = 0; i < values.length; i++) {
            cumulative += weights[order[i]];
            if (cumulative * 2 >= total) return values[order[i]];
        }
        return 0;
    }

    /// @notice floor(e^(-elapsed / 150) * 1e18), `elapsed` in whole seconds.
    /// @dev A product of e^(-2^k / 150) in 128-bit fixed point: 13 factors, error below 2^-124.
    function decay(uint256 elapsed) internal pure returns (uint256) {
        if (elapsed >= DECAY_END) return 0;
        uint256 x = 1 << 128;
        if (elapsed & 1 != 0) x = (x * 338021362862410203876725188211784317341) >> 128;
        if (elapsed & 2 != 0) x = (x * 335775382031206177111515075011719621869) >> 128;
        if (elapsed & 4 != 0) x = (x * 331328091427075808743575596058433831202) >> 128;
        if (elapsed & 8 != 0) x = (x * 322609440982919647241977610070054400482) >> 128;
        if (elapsed & 16 != 0) x = (x * 305854377213419442061599629202318478869) >> 128;
        if (elapsed & 32 != 0) x = (x * 274909631395456491271163225350258089904) >> 128;
        if (elapsed & 64 != 0) x = (x * 222095861498297963257929318909626096937) >> 128;
        if (elapsed & 128 != 0) x = (x * 144957765931291218872876791714128078069) >> 128;
        if (elapsed & 256 != 0) x = (x * 61750933772813261516514085545272018038) >> 128;
        if (elapsed & 512 != 0) x = (x * 11205922470559066355937607738563753953) >> 128;
        if (elapsed & 1024 != 0) x = (x * 369024994014327790390469487764439060) >> 128;
        if (elapsed & 2048 != 0) x = (x * 400195424286897377450670678842350) >> 128;
        if (elapsed & 4096 != 0) x = (x * 470657292851676619682296133) >> 128;
        return (x * uint256(WAD)) >> 128;
    }

    /// @notice One step of the basis EMA: sample `x` (p8, signed) after `elapsed` seconds.
    /// @return Numerator, p8 * s * 1e18. @return Denominator, s * 1e18.
    function emaStep(int256 numerator, uint256 denominator, int256 x, uint256 elapsed)
        internal
        pure
        returns (int256, uint256)
    {
        uint256 factor = decay(elapsed);
        return (
            (numerator * int256(factor)).floorDiv(WAD) + x * int256(elapsed) * WAD,
            denominator * factor / uint256(WAD) + elapsed * uint256(WAD)
        );
    }

    /// @notice The EMA itself, p8, floored; 0 before the first sample.
    function ema(int256 numerator, uint256 denominator) internal pure returns (int256) {
        return denominator == 0 ? int256(0) : numerator.floorDiv(int256(denominator));
    }

    /// @notice The mark, p8: median of index + basis, the book's median and the external
    /// perpetual's price, within `band` (ppm) of the index. A missing part (0) counts as the index.
    function mark(uint256 index, int256 basis, uint256 book, uint256 external_, uint256 band)
        internal
        pure
        returns (uint256)
    {
        uint256 fair = uint256((int256(index) + basis).max(0));
        uint256 middle = FixedMath.median(
            fair, book == 0 ? index : book, external_ == 0 ? index : external_
        );
        uint256 width = index * band / PPM;
        if (middle < index - width) return index - width;
        return middle > index + width ? index + width : middle;
    }
}
