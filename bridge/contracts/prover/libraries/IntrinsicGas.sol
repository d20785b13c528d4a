// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Words} from "./Words.sol";

/// @title  What a transaction costs before its first instruction
/// @notice Yellow Paper, section 6.2: g0. The access list's part is `AccessLists`'.
library IntrinsicGas {
    uint256 private constant TRANSACTION_GAS = 21_000;

    /// @dev EIP-2, and EIP-3860 for the words.
    uint256 private constant CREATION_GAS = 32_000;
    uint256 private constant INITCODE_WORD_GAS = 2;

    /// @dev EIP-2028.
    uint256 private constant ZERO_BYTE_GAS = 4;
    uint256 private constant NONZERO_BYTE_GAS = 16;

    /// @notice The price of a transaction with this data, in gas.
    function price(bytes memory data, bool isCreation) internal pure returns (uint256 gas) {
        gas = TRANSACTION_GAS + ZERO_BYTE_GAS * data.length
            + (NONZERO_BYTE_GAS - ZERO_BYTE_GAS) * _nonzeroBytes(data);
        if (isCreation) gas += CREATION_GAS + INITCODE_WORD_GAS * Words.wordsOf(data.length);
    }

    /// @dev Counts in all bytes of a word at once. What pads the last word is zero, and isn't counted.
    function _nonzeroBytes(bytes memory data) private pure returns (uint256 count) {
        assembly ("memory-safe") {
            let ones := div(not(0), 255)
            let sevens := mul(ones, 0x7f)
            let end := add(add(data, 32), mload(data))
            for { let at := add(data, 32) } lt(at, end) { at := add(at, 32) } {
                let word := mload(at)
                // The highest bit of a byte: set by a carry from the other seven, or of itself. No carry leaves
                // its byte.
                let marks := or(add(and(word, sevens), sevens), word)
                marks := and(shr(7, marks), ones)
                // The product's highest byte is the sum of all, at most 32.
                count := add(count, shr(248, mul(marks, ones)))
            }
        }
    }
}
