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

    /// p8 * s8 over q6.
    int256 private constant PRICE_SIZE = 1e10;
    int256 private constant LIFT = 1 << 100;

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

    /// @notice Room for `count` risks, in which nothing is set: `open` makes one a risk.
    function reserve(uint256 count) internal pure returns (Risk[] memory risks) {
        // Behind the list lie the risks, and behind each one's seven members its scenarios.
        assembly ("memory-safe") {
            risks := mload(64)
            mstore(risks, count)
            let place := add(risks, 32)
            let risk := add(place, shl(5, count))
            for { let end := risk } lt(place, end) { place := add(place, 32) } {
                mstore(place, risk)
                mstore(add(risk, 192), add(risk, 224))
                risk := add(risk, 992)
            }
            mstore(64, risk)
        }
    }

    /// @notice Makes `risk` one of nothing yet.
    function open(Risk memory risk, uint32 market, uint256 index, uint256 mmf) internal pure {
        (risk.market, risk.index, risk.imf, risk.mmf) = (market, index, 0, mmf);
        (risk.perp, risk.naked) = (0, 0);
        clear(risk.pnl);
    }

    /// @notice The lowest scenario, q6, at most 0.
    /// @dev By hand, as all loops over scenarios are: every margin check runs them, and a third of their
    /// gas would be bounds of arrays that have 24 places.
    function worst(int256[24] memory pnl) internal pure returns (int256 lowest) {
        assembly ("memory-safe") {
            let end := add(pnl, 768)
            for {} lt(pnl, end) { pnl := add(pnl, 256) } {
                let one := mload(pnl)
                if slt(one, lowest) { lowest := one }
                one := mload(add(pnl, 32))
                if slt(one, lowest) { lowest := one }
                one := mload(add(pnl, 64))
                if slt(one, lowest) { lowest := one }
                one := mload(add(pnl, 96))
                if slt(one, lowest) { lowest := one }
                one := mload(add(pnl, 128))
                if slt(one, lowest) { lowest := one }
                one := mload(add(pnl, 160))
                if slt(one, lowest) { lowest := one }
                one := mload(add(pnl, 192))
                if slt(one, lowest) { lowest := one }
                one := mload(add(pnl, 224))
                if slt(one, lowest) { lowest := one }
            }
        }
    }

    /// @notice Initial and maintenance margin of one underlying, q6.
    /// @dev Index, fractions and sizes are those of a packed book, or as small.
    function requirement(Risk memory risk)
        internal
        pure
        returns (uint256 initial, uint256 maintenance)
    {
        uint256 loss = worst(risk.pnl).abs();
        uint256 heavy = _above(risk.imf, PERP_INITIAL_HELD, PERP_INITIAL);
        uint256 light = _above(risk.mmf, PERP_MAINTENANCE_HELD, PERP_MAINTENANCE);
        // Losses are sums of some hundred numbers below 2^127.
        unchecked {
            initial = loss + _contingency(risk, NAKED_INITIAL, heavy);
            maintenance =
                FixedMath.ceilDiv(loss * 4, 5) + _contingency(risk, NAKED_MAINTENANCE, light);
        }
    }

    /// @notice Adds a perpetual of `size` (s8) to every scenario, given its PnL a unit (p8).
    function addPerp(Risk memory risk, int256 size, int256[24] memory unit) internal pure {
        risk.perp += size.abs();
        addTo(risk.pnl, unit, size);
    }

    /// @notice Adds to each sum (q6) what `size` (s8, int64) of a perpetual gains at `unit` (p8): floor(size *
    /// unit / 1e10).
    function addTo(int256[24] memory sums, int256[24] memory unit, int256 size) internal pure {
        // A unit is below 2^64 and so |size * unit| below 2^127, less than what is lifted by: nothing
        // wraps or is negative, and division floors.
        assembly ("memory-safe") {
            let lift := mul(LIFT, PRICE_SIZE)
            let end := add(sums, 768)
            for {} lt(sums, end) { sums := add(sums, 32) } {
                let gain := div(add(mul(size, mload(unit)), lift), PRICE_SIZE)
                mstore(sums, add(mload(sums), sub(gain, LIFT)))
                unit := add(unit, 32)
            }
        }
    }

    /// @notice Sets every sum to zero.
    function clear(int256[24] memory sums) internal pure {
        // Beyond the end of calldata there are zeros.
        assembly ("memory-safe") {
            calldatacopy(sums, calldatasize(), 768)
        }
    }

    /// @notice Sets `rest` to `sums` less `part`, all q6.
    function subtract(int256[24] memory rest, int256[24] memory sums, int256[24] memory part)
        internal
        pure
    {
        // Nothing wraps: they are sums of some hundred numbers below 2^127.
        assembly ("memory-safe") {
            let end := add(sums, 768)
            for {} lt(sums, end) { sums := add(sums, 32) } {
                mstore(rest, sub(mload(sums), mload(part)))
                rest := add(rest, 32)
                part := add(part, 32)
            }
        }
    }

    function _above(uint256 fraction, uint256 held, uint256 least) private pure returns (uint256) {
        // Constants below 2^24, and no subtraction of a larger one.
        unchecked {
            return fraction > held + least ? fraction - held : least;
        }
    }

    /// Rounded up once, over both parts.
    function _contingency(Risk memory risk, uint256 naked, uint256 perp)
        private
        pure
        returns (uint256)
    {
        // Sizes add up to less than 2^96, fractions are below 2^24 and an index is below 2^64.
        unchecked {
            uint256 weighted = risk.naked * naked + risk.perp * perp;
            return FixedMath.ceilDiv(risk.index * weighted, CONTINGENCY_SIZE);
        }
    }
}
