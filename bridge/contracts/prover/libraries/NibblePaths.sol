// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Rlp} from "./Rlp.sol";

/// @notice Up to 64 hex digits: a part of a key's way through a trie.
/// @param  digits From the highest digit of the word on; zeros behind them.
/// @param  count  How many.
struct Nibbles {
    uint256 digits;
    uint256 count;
}

/// @title  Paths of hex digits, and their hex-prefix encoding
/// @notice Yellow Paper, appendix C. No key has more than 64 digits, so that a word holds any path.
library NibblePaths {
    /// @notice What is at this offset of calldata is no path.
    error InvalidPath(uint256 offset);

    uint256 internal constant KEY_DIGITS = 64;

    /// @dev Flags, the highest digit of an encoded path: an odd number of digits; a leaf.
    uint256 private constant ODD = 1;
    uint256 private constant LEAF = 2;

    /// @notice The digits from `start` up to but not including `stop` of a key; at most 64 is in `stop`.
    function slice(bytes32 key, uint256 start, uint256 stop)
        internal
        pure
        returns (Nibbles memory path)
    {
        path.count = stop - start;
        path.digits = (uint256(key) << (4 * start)) & _mask(path.count);
    }

    /// @notice A path without its first `count` digits; at least so many are there.
    function drop(Nibbles memory path, uint256 count) internal pure returns (Nibbles memory) {
        return Nibbles(path.digits << (4 * count), path.count - count);
    }

    /// @notice One path, then another. Together they have at most 64 digits.
    function join(Nibbles memory first, Nibbles memory second)
        internal
        pure
        returns (Nibbles memory)
    {
        uint256 digits = first.digits | (second.digits >> (4 * first.count));
        return Nibbles(digits, first.count + second.count);
    }

    /// @notice The path of one digit.
    function single(uint256 digit) internal pure returns (Nibbles memory) {
        return Nibbles(digit << 252, 1);
    }

    /// @notice A digit of a path or key.
    function digitAt(uint256 digits, uint256 index) internal pure returns (uint256) {
        return (digits << (4 * index)) >> 252;
    }

    /// @notice How many digits two paths share at their beginning, at most `limit`.
    function shared(uint256 first, uint256 second, uint256 limit)
        internal
        pure
        returns (uint256 count)
    {
        uint256 difference = first ^ second;
        while (count < limit && digitAt(difference, count) == 0) {
            ++count;
        }
    }

    /// @notice Reads a path, whose bytes begin and stop there. Reverts with InvalidPath unless it is the one
    ///         encoding of a path: known flags, and zero in the half byte that an even number of digits leaves.
    function decode(uint256 start, uint256 stop)
        internal
        pure
        returns (Nibbles memory path, bool isLeaf)
    {
        uint256 size = stop - start;
        uint256 word = _load(start);
        uint256 flags = word >> 252;
        uint256 odd = flags & ODD;
        bool isPadded = odd == 0 && digitAt(word, 1) != 0;
        if (size == 0 || size > 33 || flags > LEAF + ODD || isPadded) revert InvalidPath(start);
        isLeaf = flags >= LEAF;
        path.count = 2 * size - 2 + odd;
        if (path.count > KEY_DIGITS) revert InvalidPath(start);
        path.digits = (odd == 1 ? word << 4 : _load(start + 1)) & _mask(path.count);
    }

    /// @notice Writes a path as the RLP string that a node begins with; takes at most 34 bytes.
    function write(uint256 pointer, Nibbles memory path, bool isLeaf)
        internal
        pure
        returns (uint256)
    {
        uint256 odd = path.count & 1;
        uint256 size = 1 + path.count / 2;
        uint256 flags = (isLeaf ? LEAF : 0) + odd;
        uint256 digits = path.digits;
        // A path of one byte is below 0x40, its own encoding.
        if (size > 1) pointer = Rlp.writeHeader(pointer, Rlp.STRING, size);
        assembly ("memory-safe") {
            // In scratch space: flags, the odd digit or zero, and the other digits from byte 1 on.
            mstore(1, shl(mul(4, odd), digits))
            mstore8(0, or(shl(4, flags), mul(odd, shr(252, digits))))
            mcopy(pointer, 0, size)
        }
        return pointer + size;
    }

    /// @dev Ones where the first `count` digits of a word are.
    function _mask(uint256 count) private pure returns (uint256) {
        return ~(type(uint256).max >> (4 * count));
    }

    function _load(uint256 offset) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := calldataload(offset)
        }
    }
}
