// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title  The compressed form of a batch
/// @notice The twin of state/lz4.py, which has the grammar: sequences of literals and of matches, which
///         repeat what was decoded before. Total: what breaks the grammar or a cap decodes to no bytes.
library Lz4 {
    /// @dev docs/derivation.md, section 3.
    uint256 private constant DECODED_BYTES_MAX = 262_144;
    uint256 private constant SEQUENCES_MAX = 16_384;

    uint256 private constant MATCH_BYTES_MIN = 4;
    uint256 private constant OFFSET_BYTES = 2;
    uint256 private constant NIBBLE = 15;

    /// @dev What the nibble of a match says that has a longer length.
    uint256 private constant LONG_MATCH = 19;

    /// @dev A byte of a length that says that another one follows.
    uint256 private constant MORE = 255;

    /// @dev The length of what is cut short: longer than anything may be.
    uint256 private constant CUT_SHORT = 1 << 32;

    /// @notice Decodes the bytes of calldata between `offset` and `end`; keeps no more memory than they take.
    function decompress(uint256 offset, uint256 end) internal pure returns (bytes memory data) {
        uint256 start;
        assembly ("memory-safe") {
            // Free memory, behind a word for the length. Nothing is allocated while it is being filled.
            start := add(mload(0x40), 32)
        }
        uint256 finish = _decompress(offset, end, start);
        if (finish == 0) return data;
        assembly ("memory-safe") {
            data := sub(start, 32)
            mstore(data, sub(finish, start))
            mstore(0x40, and(add(finish, 31), not(31)))
        }
    }

    /// @dev Decodes to memory at `start`; where that ends, or 0 for what is void. Nothing overflows: positions
    ///      lie in calldata or in memory, and what is added to them has at most 33 bits. Assembly, for it goes
    ///      round 16,384 times in one step, and has to leave gas for the tree over the result.
    function _decompress(uint256 from, uint256 end, uint256 start)
        private
        pure
        returns (uint256 result)
    {
        assembly ("memory-safe") {
            // The rest of a length whose nibble is 15; one that is cut short is longer than anything may be.
            function longer(at_, end_) -> length, next {
                length := NIBBLE
                for { next := at_ } lt(next, end_) {} {
                    let more := byte(0, calldataload(next))
                    next := add(next, 1)
                    length := add(length, more)
                    if lt(more, MORE) { leave }
                }
                length := CUT_SHORT
            }

            // Bytes that repeat from `distance` before `to` on, of which `done` are there: fewer than `length`,
            // which are all written. Whole periods lie before where it stands, so that all of them can be
            // copied to there: rounds double.
            function repeat(to, distance, length, done) {
                for {} lt(done, length) {} {
                    let size := add(distance, done)
                    if gt(size, sub(length, done)) { size := sub(length, done) }
                    mcopy(add(to, done), sub(to, distance), size)
                    done := add(done, size)
                }
            }

            // What is short needs no room of its own: 16,384 times 18 bytes, and literals that are in calldata,
            // are little memory. So whether all had room, and wasn't cut short, is asked once, at the end.
            function decompress(position, end_, start_) -> out {
                out := start_
                let limit := add(start_, DECODED_BYTES_MAX)
                let sequences := SEQUENCES_MAX
                for {} lt(position, end_) {} {
                    if iszero(sequences) {
                        out := 0
                        leave
                    }
                    sequences := sub(sequences, 1)
                    let token := byte(0, calldataload(position))
                    position := add(position, 1)
                    let length := shr(4, token)
                    if eq(length, NIBBLE) {
                        length, position := longer(position, end_)
                        if gt(length, sub(end_, position)) {
                            out := 0
                            leave
                        }
                    }
                    calldatacopy(out, position, length)
                    out := add(out, length)
                    position := add(position, length)
                    length := and(token, NIBBLE)
                    if eq(position, end_) {
                        if length { out := 0 }
                        break
                    }
                    let distance := calldataload(position)
                    distance := or(byte(0, distance), shl(8, byte(1, distance)))
                    position := add(position, OFFSET_BYTES)
                    length := add(length, MATCH_BYTES_MIN)
                    if eq(length, LONG_MATCH) {
                        length, position := longer(position, end_)
                        length := add(length, MATCH_BYTES_MIN)
                        if gt(add(out, length), limit) {
                            out := 0
                            leave
                        }
                    }
                    // A distance of zero is greater than any, less one.
                    if iszero(lt(sub(distance, 1), sub(out, start_))) {
                        out := 0
                        leave
                    }
                    switch lt(distance, length)
                    case 0 { mcopy(out, sub(out, distance), length) }
                    default {
                        let done := 0
                        if lt(distance, 32) {
                            // One period as a number, times 1 at the end of every period of a word, and the
                            // beginning of one more: all of a word.
                            let bits := shl(3, distance)
                            let rest := mod(256, bits)
                            let period := shr(sub(256, bits), mload(sub(out, distance)))
                            let periods := mul(period, div(not(0), sub(shl(bits, 1), 1)))
                            mstore(out, or(periods, shr(sub(bits, rest), period)))
                            done := sub(32, shr(3, rest))
                        }
                        if gt(length, 32) { repeat(out, distance, length, done) }
                    }
                    out := add(out, length)
                }
                if or(gt(position, end_), gt(out, limit)) { out := 0 }
            }

            result := decompress(from, end, start)
        }
    }
}
