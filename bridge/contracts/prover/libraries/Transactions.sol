// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Reader, Witness} from "./Witness.sol";
import {Words} from "./Words.sol";

/// @notice What is known of a transaction before VALIDATE, docs/machine.md, "Transaction".
struct PendingTx {
    bytes32 envelopeHash;
    uint256 envelopeLength;
    uint256 isDeposit;
}

/// @notice The words of the transaction being executed, docs/machine.md, "Transaction".
struct Tx {
    bytes32 envelopeHash;
    uint256 envelopeLength;
    uint256 txType;
    uint256 sender;
    uint256 recipient;
    uint256 isCreation;
    uint256 nonce;
    uint256 value;
    uint256 mint;
    uint256 gasLimit;
    uint256 feeCap;
    uint256 price;
    uint256 tip;
    bytes32 startRoot;
    bytes32 calldataRoot;
    uint256 calldataOffset;
    uint256 calldataLength;
    bytes32 initcodeHash;
    bytes32 accesses;
    uint256 intrinsic;
    uint256 gas;
    uint256 outcome;
    uint256 ripemdTouched;
}

/// @title  Opening and committing to transactions
library Transactions {
    using Witness for Reader;

    /// @notice The witness doesn't open the transaction.
    error WrongTransaction(bytes32 expected, bytes32 actual);

    bytes32 private constant TAG = keccak256("tallystick.machine.tx.v1");
    bytes32 private constant PENDING_TAG = keccak256("tallystick.machine.tx.pending.v1");
    uint256 private constant WORDS = 23;
    uint256 private constant PENDING_WORDS = 3;

    /// @notice The transaction whose commitment is `expected`: after VALIDATE.
    function open(bytes32 expected, Reader memory r) internal pure returns (Tx memory t) {
        r.copy(_pointer(t), WORDS * 32);
        _check(expected, hash(t));
    }

    /// @notice The transaction whose commitment is `expected`: before VALIDATE.
    function openPending(bytes32 expected, Reader memory r)
        internal
        pure
        returns (PendingTx memory t)
    {
        r.copy(_pointer(t), PENDING_WORDS * 32);
        _check(expected, hash(t));
    }

    /// @notice The commitment.
    function hash(Tx memory t) internal pure returns (bytes32) {
        return Words.commit(TAG, _pointer(t), WORDS);
    }

    /// @notice The commitment.
    function hash(PendingTx memory t) internal pure returns (bytes32) {
        return Words.commit(PENDING_TAG, _pointer(t), PENDING_WORDS);
    }

    function _check(bytes32 expected, bytes32 actual) private pure {
        if (actual != expected) revert WrongTransaction(expected, actual);
    }

    function _pointer(Tx memory t) private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := t
        }
    }

    function _pointer(PendingTx memory t) private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := t
        }
    }
}
