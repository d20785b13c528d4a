// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Rlp} from "./Rlp.sol";

/// @notice Where reading stands in a list, and whether something in it was wrong so far.
struct RlpList {
    uint256 position;
    uint256 end;
    bool isWrong;
}

/// @title  The items of a list that a stranger encoded
/// @notice Bad bytes are a case with an outcome, so that nothing here reverts: once something is wrong it stays
///         wrong, and what is read then is zero. Offsets are those of calldata.
library RlpLists {
    /// @notice The items of the one list that takes all bytes from `start` to `end`.
    function open(uint256 start, uint256 end) internal pure returns (RlpList memory items) {
        (bool ok, bool isList, uint256 first, uint256 stop) = Rlp.tryItem(start, end);
        items.isWrong = !ok || !isList || stop != end;
        if (!items.isWrong) (items.position, items.end) = (first, stop);
    }

    /// @notice Where the bytes of a string begin and stop.
    function text(RlpList memory items) internal pure returns (uint256 start, uint256 stop) {
        return _next(items, false);
    }

    /// @notice Where the content of a list begins and stops.
    function list(RlpList memory items) internal pure returns (uint256 start, uint256 stop) {
        return _next(items, true);
    }

    /// @notice A number of at most `bits` bits without leading zeros.
    function number(RlpList memory items, uint256 bits) internal pure returns (uint256 value) {
        (uint256 start, uint256 stop) = text(items);
        uint256 size = stop - start;
        if (size == 0) return 0;
        if (size > 32) return _wrong(items);
        assembly ("memory-safe") {
            value := shr(sub(256, shl(3, size)), calldataload(start))
        }
        if (value >> (8 * (size - 1)) == 0 || (bits < 256 && value >> bits != 0)) {
            return _wrong(items);
        }
    }

    /// @notice A string of exactly `size` bytes, up to 32, as a number.
    function sized(RlpList memory items, uint256 size) internal pure returns (uint256 value) {
        (uint256 start, uint256 stop) = text(items);
        if (stop - start != size) return _wrong(items);
        assembly ("memory-safe") {
            value := shr(sub(256, shl(3, size)), calldataload(start))
        }
    }

    /// @notice A string of exactly `size` bytes as a number, or one of none.
    function optional(RlpList memory items, uint256 size)
        internal
        pure
        returns (bool isThere, uint256 value)
    {
        uint256 position = items.position;
        (uint256 start, uint256 stop) = text(items);
        if (start == stop) return (false, 0);
        items.position = position;
        return (true, sized(items, size));
    }

    /// @notice Whether all was as it should be, and nothing is left.
    function isWhole(RlpList memory items) internal pure returns (bool) {
        return !items.isWrong && items.position == items.end;
    }

    function _next(RlpList memory items, bool wantsList)
        private
        pure
        returns (uint256 start, uint256 stop)
    {
        bool ok;
        bool isList;
        (ok, isList, start, stop) = Rlp.tryItem(items.position, items.end);
        if (items.isWrong || !ok || isList != wantsList) {
            _wrong(items);
            return (items.end, items.end);
        }
        items.position = stop;
    }

    function _wrong(RlpList memory items) private pure returns (uint256) {
        items.isWrong = true;
        items.position = items.end;
        return 0;
    }
}
