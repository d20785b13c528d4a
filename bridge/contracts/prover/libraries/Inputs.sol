// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Boundary} from "../../libraries/Boundary.sol";
import {Reader, Witness} from "./Witness.sol";
import {Words} from "./Words.sol";

/// @notice What a block is made from, and how far that is: docs/machine.md, "Inputs".
/// @param  position What the page calls "at".
struct Inputs {
    uint256 item;
    uint256 time;
    bytes32 payloadRoot;
    uint256 payloadSize;
    uint256 position;
    uint256 left;
    uint256 start;
    uint256 count;
    uint256 timestamp;
    uint256 origin;
    uint256 sequenceNumber;
    uint256 nextBatch;
    uint256 nextOffset;
    uint256 nextDeposit;
    uint256 taken;
    uint256 taking;
    bytes32 leaves;
    bytes32 transactionsRoot;
    bytes32 receiptsRoot;
}

/// @title  Opening and committing to a block's inputs
library InputWords {
    using Witness for Reader;

    /// @notice The witness doesn't open the inputs.
    error WrongInputs(bytes32 expected, bytes32 actual);

    bytes32 private constant TAG = keccak256("tallystick.machine.inputs.v1");
    uint256 private constant WORDS = 19;

    /// @notice The inputs whose commitment is `expected`.
    function open(bytes32 expected, Reader memory r) internal pure returns (Inputs memory inputs) {
        r.copy(_pointer(inputs), WORDS * 32);
        bytes32 actual = hash(inputs);
        if (actual != expected) revert WrongInputs(expected, actual);
    }

    /// @notice The commitment.
    function hash(Inputs memory inputs) internal pure returns (bytes32) {
        return Words.commit(TAG, _pointer(inputs), WORDS);
    }

    /// @notice What an unusable batch leaves, whatever was found out about it before: a block of nothing, and
    ///         the rest of the batch dropped.
    function emptied(Inputs memory inputs, Boundary memory parent)
        internal
        pure
        returns (Inputs memory empty)
    {
        empty.item = inputs.item;
        empty.time = inputs.time;
        empty.origin = parent.originItem;
        empty.nextBatch = parent.nextBatch + 1;
        empty.nextDeposit = inputs.nextDeposit;
    }

    function _pointer(Inputs memory inputs) private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := inputs
        }
    }
}
