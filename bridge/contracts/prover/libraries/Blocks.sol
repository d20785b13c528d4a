// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Reader, Witness} from "./Witness.sol";
import {Words} from "./Words.sol";

/// @notice The words of the block around the transactions, docs/machine.md, "Block".
/// @dev    The bloom has eight words: an array would be a reference, and not lie among the others.
struct Block {
    uint256 chainId;
    uint256 number;
    uint256 timestamp;
    uint256 coinbase;
    uint256 gasLimit;
    uint256 baseFee;
    bytes32 prevRandao;
    bytes32 ringRoot;
    uint256 gasUsed;
    uint256 bloom0;
    uint256 bloom1;
    uint256 bloom2;
    uint256 bloom3;
    uint256 bloom4;
    uint256 bloom5;
    uint256 bloom6;
    uint256 bloom7;
    bytes32 transactions;
    bytes32 receipts;
    uint256 count;
    bytes32 inputs;
}

/// @title  Opening and committing to a block
library Blocks {
    using Witness for Reader;

    /// @notice The witness doesn't open the block.
    error WrongBlock(bytes32 expected, bytes32 actual);

    bytes32 private constant TAG = keccak256("tallystick.machine.block.v1");
    uint256 private constant WORDS = 21;
    uint256 private constant BLOOM_OFFSET = 9 * 32;
    uint256 private constant BLOOM_BYTES = 256;

    /// @notice The block whose commitment is `expected`.
    function open(bytes32 expected, Reader memory r) internal pure returns (Block memory b) {
        r.copy(_pointer(b), WORDS * 32);
        bytes32 actual = hash(b);
        if (actual != expected) revert WrongBlock(expected, actual);
    }

    /// @notice The commitment.
    function hash(Block memory b) internal pure returns (bytes32) {
        return Words.commit(TAG, _pointer(b), WORDS);
    }

    /// @notice A copy of the bloom, 256 bytes.
    function bloom(Block memory b) internal pure returns (bytes memory copy) {
        copy = new bytes(BLOOM_BYTES);
        uint256 from = _pointer(b) + BLOOM_OFFSET;
        assembly ("memory-safe") {
            mcopy(add(copy, 32), from, BLOOM_BYTES)
        }
    }

    /// @notice Sets the bits of a receipt's bloom, which has 256 bytes, in the block's.
    function addBloom(Block memory b, bytes memory other) internal pure {
        uint256 to = _pointer(b) + BLOOM_OFFSET;
        assembly ("memory-safe") {
            for { let i := 0 } lt(i, BLOOM_BYTES) { i := add(i, 32) } {
                mstore(add(to, i), or(mload(add(to, i)), mload(add(add(other, 32), i))))
            }
        }
    }

    function _pointer(Block memory b) private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := b
        }
    }
}
