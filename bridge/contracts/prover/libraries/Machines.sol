// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Reader, Witness} from "./Witness.sol";
import {Words} from "./Words.sol";

/// @notice The machine's words, docs/machine.md, "Machine".
struct Machine {
    uint256 status;
    bytes32 boundary;
    bytes32 blockHash;
    bytes32 transaction;
    bytes32 frame;
    bytes32 stateRoot;
    bytes32 journalRoot;
    uint256 refund;
    bytes32 logs;
    bytes32 destructs;
    bytes32 bulk;
}

/// @notice The statuses, by the word that commits to them.
library Status {
    uint256 internal constant NEXT = 0;
    uint256 internal constant VALIDATE = 1;
    uint256 internal constant BUY = 2;
    uint256 internal constant WARM = 3;
    uint256 internal constant BEGIN = 4;
    uint256 internal constant SETTLE = 5;
    uint256 internal constant DESTRUCT = 6;
    uint256 internal constant RECEIPT = 7;
    uint256 internal constant RUN = 16;
    uint256 internal constant LOAD = 17;
    uint256 internal constant PRECOMPILE = 18;
    uint256 internal constant DEPLOY = 19;
    uint256 internal constant LEAVE = 20;
    uint256 internal constant COPY = 32;
    uint256 internal constant SLOAD = 33;
    uint256 internal constant SSTORE_READ = 34;
    uint256 internal constant SSTORE_WRITE = 35;
    uint256 internal constant EXTCODESIZE = 36;
    uint256 internal constant EXTCODECOPY = 37;
    uint256 internal constant ENTER = 38;
    uint256 internal constant CREATE_HASH = 39;
    uint256 internal constant CREATE_WARM = 40;
    uint256 internal constant CREATE_ENTER = 41;
    uint256 internal constant CREATE_FUND = 42;
    uint256 internal constant SELFDESTRUCT_SEND = 43;
    uint256 internal constant SELFDESTRUCT_MARK = 44;
    uint256 internal constant BOUNDARY = 48;
    uint256 internal constant EXHAUSTED = 49;
    uint256 internal constant DECODE = 50;
    uint256 internal constant SCAN = 51;
    uint256 internal constant ORIGIN = 52;
    uint256 internal constant UNFIT = 54;
    uint256 internal constant HASH_TRANSACTION = 56;
    uint256 internal constant TRANSACTIONS_ROOT = 57;
    uint256 internal constant HASH_RECEIPT = 58;
    uint256 internal constant RECEIPTS_ROOT = 59;
    uint256 internal constant SEAL = 60;
}

/// @notice How a frame or a transaction stands.
library Outcome {
    uint256 internal constant RUNNING = 0;
    uint256 internal constant SUCCESS = 1;
    uint256 internal constant REVERT = 2;
    uint256 internal constant FAILURE = 3;
}

/// @title  Opening and closing a machine state
library Machines {
    using Witness for Reader;

    /// @notice The witness doesn't open the state.
    error WrongMachine(bytes32 expected, bytes32 actual);

    /// @notice The state isn't of a status that this contract verifies.
    error NotMyStatus(uint256 status);

    bytes32 private constant TAG = keccak256("tallystick.machine.state.v1");
    uint256 private constant WORDS = 11;

    /// @notice The words behind `preState`, which are the first of a witness.
    function open(bytes32 preState, Reader memory r) internal pure returns (Machine memory m) {
        r.copy(_pointer(m), WORDS * 32);
        bytes32 actual = hash(m);
        if (actual != preState) revert WrongMachine(preState, actual);
    }

    /// @notice The commitment.
    function hash(Machine memory m) internal pure returns (bytes32) {
        return Words.commit(TAG, _pointer(m), WORDS);
    }

    /// @notice Ends a step that has no frame: the witness has to be used up.
    function close(Machine memory m, Reader memory r) internal pure returns (bytes32) {
        r.finish();
        return hash(m);
    }

    function _pointer(Machine memory m) private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := m
        }
    }
}
