// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title  Batches as they are posted
/// @notice The twin of state/batch_codec.py and state/lz4.py: one codec byte, then the payload itself or our
///         LZ4-style block. Total: whatever breaks a rule is void, which is a payload of no bytes. Reads
///         calldata, writes free memory, and keeps no more of it than the payload takes.
library BatchCodec {
    /// @dev docs/derivation.md, section 3.
    uint256 private constant POSTED_BYTES_MAX = 81_920;
    uint256 private constant DECODED_BYTES_MAX = 262_144;
    uint256 private constant SEQUENCES_MAX = 16_384;

    uint256 private constant RAW = 0;
    uint256 private constant COMPRESSED = 1;

    uint256 private constant MATCH_BYTES_MIN = 4;
    uint256 private constant OFFSET_BYTES = 2;
    uint256 private constant NIBBLE = 15;

    /// @dev A byte of a length that says that another one follows.
    uint256 private constant MORE = 255;

    /// @dev The length of what is cut short: longer than anything may be.
    uint256 private constant CUT_SHORT = 1 << 32;

    /// @notice The payload of the batch posted in `size` bytes from `offset` of calldata.
    function decode(uint256 offset, uint256 size) internal pure returns (bytes memory payload) {
        if (size == 0 || size > POSTED_BYTES_MAX) return payload;
        uint256 codec = _byteAt(offset);
        if (codec == RAW) return msg.data[offset + 1:offset + size];
        if (codec != COMPRESSED) return payload;
        uint256 start = _room();
        uint256 end = _decompress(offset + 1, offset + size, start);
        if (end == 0) return payload;
        assembly ("memory-safe") {
            // The payload was written behind what is to be its length.
            payload := sub(start, 32)
            mstore(payload, sub(end, start))
            mstore(0x40, and(add(end, 31), not(31)))
        }
    }

    /// @dev Decodes the bytes of calldata between `from` and `end` to memory at `start`; where that stops, or 0
    ///      for a void block. Nothing overflows: positions lie in calldata or in memory, and what is added to
    ///      them has at most 24 bits. One piece of assembly, for it goes round 16,384 times in one step.
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

            // Bytes that repeat from `distance` before `to` on: fewer than `length`, which are all written, and
            // up to 31 behind them.
            function repeat(to, distance, length) {
                let done := 0
                if lt(distance, 32) {
                    // One period as a number, times 1 at the end of every period of a word, fills the word.
                    let bits := shl(3, distance)
                    let period := shr(sub(256, bits), mload(sub(to, distance)))
                    mstore(to, mul(period, div(not(0), sub(shl(bits, 1), 1))))
                    done := sub(32, mod(32, distance))
                }
                // Whole periods lie before where it stands, so that all of them can be copied to there: rounds
                // double.
                for {} lt(done, length) {} {
                    let size := add(distance, done)
                    if gt(size, sub(length, done)) { size := sub(length, done) }
                    mcopy(add(to, done), sub(to, distance), size)
                    done := add(done, size)
                }
            }

            function decompress(position, end_, start_) -> out {
                out := start_
                let limit := add(start_, DECODED_BYTES_MAX)
                let sequences := SEQUENCES_MAX
                for {} lt(position, end_) {} {
                    let token := byte(0, calldataload(position))
                    let length := shr(4, token)
                    position := add(position, 1)
                    if eq(length, NIBBLE) { length, position := longer(position, end_) }
                    // Literals; whether there is room for them is asked below, and they are in calldata.
                    if or(iszero(sequences), gt(length, sub(end_, position))) {
                        out := 0
                        leave
                    }
                    sequences := sub(sequences, 1)
                    calldatacopy(out, position, length)
                    out := add(out, length)
                    position := add(position, length)
                    length := and(token, NIBBLE)
                    if eq(position, end_) {
                        if length { out := 0 }
                        break
                    }
                    let field := calldataload(position)
                    let distance := or(byte(0, field), shl(8, byte(1, field)))
                    position := add(position, OFFSET_BYTES)
                    if eq(length, NIBBLE) { length, position := longer(position, end_) }
                    length := add(length, MATCH_BYTES_MIN)
                    // A distance of zero is greater than any, less one.
                    let isSound := lt(sub(distance, 1), sub(out, start_))
                    isSound := and(isSound, iszero(gt(position, end_)))
                    if iszero(and(isSound, iszero(gt(add(out, length), limit)))) {
                        out := 0
                        leave
                    }
                    switch lt(distance, length)
                    case 0 { mcopy(out, sub(out, distance), length) }
                    default { repeat(out, distance, length) }
                    out := add(out, length)
                }
                if gt(out, limit) { out := 0 }
            }

            result := decompress(from, end, start)
        }
    }

    function _byteAt(uint256 offset) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := byte(0, calldataload(offset))
        }
    }

    /// @dev Free memory behind a word for a length. Nothing is allocated while it is being filled.
    function _room() private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := add(mload(0x40), 32)
        }
    }
}
