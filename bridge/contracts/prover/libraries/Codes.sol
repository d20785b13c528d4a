// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Reader, Witness} from "./Witness.sol";

/// @title  Codes, opened by their hash
/// @notice docs/machine.md, "Frame": what is executed is read from trees that LOAD builds once.
library Codes {
    using Witness for Reader;

    /// @notice The witness's code isn't the one of this hash.
    error WrongCode(bytes32 expected, bytes32 actual);

    /// @dev For all 32 bytes of a word: the mark, the bits below it, and the opcode.
    uint256 private constant MARKS =
        0x8080808080808080808080808080808080808080808080808080808080808080;
    uint256 private constant LOW =
        0x7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f;
    uint256 private constant JUMPDESTS =
        0x5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b;

    /// @dev The lowest bits of every 16, 32, 64 and 128 bits: as many as bytes that they stand for.
    uint256 private constant OF_16 =
        0x0003000300030003000300030003000300030003000300030003000300030003;
    uint256 private constant OF_32 =
        0x0000000f0000000f0000000f0000000f0000000f0000000f0000000f0000000f;
    uint256 private constant OF_64 =
        0x00000000000000ff00000000000000ff00000000000000ff00000000000000ff;
    uint256 private constant OF_128 = 0xffff0000000000000000000000000000ffff;

    /// @notice The code of this hash, which comes next in the witness. The hash vouches for its length too.
    function open(bytes32 codeHash, Reader memory r) internal pure returns (bytes memory code) {
        code = r.blob();
        bytes32 actual = keccak256(code);
        if (actual != codeHash) revert WrongCode(codeHash, actual);
    }

    /// @notice One bit for each byte of code, the first in the highest bit of the first byte: set where a
    ///         JUMPDEST stands that is no data of a PUSH (Yellow Paper, section 9.4.3).
    /// @dev    Looks at 32 bytes at once, by marks: a word with the highest bit of some of its bytes set. Only
    ///         PUSHes are gone through one by one: 49,152 bytes cost 8M gas if all are PUSH1, 2M without any.
    function jumpMap(bytes memory code) internal pure returns (bytes memory map) {
        uint256 size = code.length;
        // Each word of code writes a word, of which four bytes count: the last one's others are behind the map.
        map = new bytes(((size + 7) >> 3) + 32);
        uint256 spill;
        for (uint256 start; start < size; start += 32) {
            uint256 word;
            assembly ("memory-safe") {
                word := mload(add(add(code, 32), start))
            }
            // Bytes behind the code are none of it.
            uint256 rest = size - start;
            if (rest < 32) word &= ~(type(uint256).max >> (8 * rest));
            uint256 bits;
            (bits, spill) = _targets(word, spill);
            assembly ("memory-safe") {
                mstore(add(add(map, 32), shr(3, start)), shl(224, bits))
            }
        }
        assembly ("memory-safe") {
            mstore(map, shr(3, add(size, 7)))
        }
    }

    /// @dev The jump targets among 32 bytes, the first in the highest of 32 bits.
    /// @param  spill The mark of the last byte here that is data of a PUSH before; 0 for none.
    /// @return bits  The targets.
    /// @return next  The same as `spill`, for the bytes that follow.
    function _targets(uint256 word, uint256 spill)
        private
        pure
        returns (uint256 bits, uint256 next)
    {
        assembly ("memory-safe") {
            // Below the mark of the data's end; without data, which is 0 - 1, everything.
            let valid := and(MARKS, sub(spill, 1))
            // 0x60 to 0x7f, PUSH1 to PUSH32: the three highest bits are 011.
            let pushes := and(and(shl(1, word), shl(2, word)), and(not(word), valid))
            // A byte is 0x5b where it is zero after xor: adding 0x7f to its low bits carries into none.
            let x := xor(word, JUMPDESTS)
            let targets := and(not(or(add(and(x, LOW), LOW), x)), valid)
            for {} pushes {} {
                // The first PUSH: set all marks behind it, and take the highest.
                let first := or(pushes, shr(8, pushes))
                first := or(first, shr(16, first))
                first := or(first, shr(32, first))
                first := or(first, shr(64, first))
                first := or(first, shr(128, first))
                first := xor(first, shr(8, first))
                // Eight times the number of its data bytes: its five low bits, and one.
                let unit := shr(7, first)
                let size := shl(3, add(and(div(word, unit), 31), 1))
                // Its data ends at this mark, or at that one of the next word.
                let end := shr(size, first)
                next := shl(sub(256, size), first)
                let behind := sub(end, iszero(iszero(end)))
                let before := not(sub(shl(1, first), 1))
                pushes := and(pushes, behind)
                targets := and(targets, or(before, behind))
            }
            // Thirty-two marks, eight bits apart, move together: 2, 4, 8, 16 and 32 at a time.
            targets := shr(7, targets)
            targets := and(or(targets, shr(7, targets)), OF_16)
            targets := and(or(targets, shr(14, targets)), OF_32)
            targets := and(or(targets, shr(28, targets)), OF_64)
            targets := and(or(targets, shr(56, targets)), OF_128)
            bits := and(or(targets, shr(112, targets)), 0xffffffff)
        }
    }
}
