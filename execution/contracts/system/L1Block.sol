// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Predeploys} from "./Predeploys.sol";

/// @title  L1Block
/// @notice The L1 attributes of the current L2 block, taken from its origin: an item of the Inbox.
///         The first transaction of every block writes them. Derived from L1 data alone, so every
///         node writes the same.
contract L1Block {
    /// @notice Somebody other than the system's depositor called.
    error OnlyDepositor(address caller);

    /// @notice Number of the L1 block that holds the origin.
    uint64 public number;

    /// @notice Its time, in seconds.
    uint64 public timestamp;

    /// @notice How many L2 blocks came before this one with the same origin.
    uint64 public sequenceNumber;

    /// @notice Its base fee, in wei.
    uint256 public baseFee;

    /// @notice Hash of its parent: the newest L1 block that a contract in it could know.
    bytes32 public hash;

    /// @notice Writes the attributes of a new block.
    /// @dev    Called by the chain itself through a deposit transaction, see docs/chain-rules.md.
    /// @param  number_         Number of the L1 block that holds the origin.
    /// @param  timestamp_      Its time, in seconds.
    /// @param  baseFee_        Its base fee, in wei.
    /// @param  hash_           Hash of its parent.
    /// @param  sequenceNumber_ L2 blocks since the origin changed; 0 in the first.
    function setL1BlockValues(
        uint64 number_,
        uint64 timestamp_,
        uint256 baseFee_,
        bytes32 hash_,
        uint64 sequenceNumber_
    ) external {
        if (msg.sender != Predeploys.DEPOSITOR) revert OnlyDepositor(msg.sender);
        number = number_;
        timestamp = timestamp_;
        sequenceNumber = sequenceNumber_;
        baseFee = baseFee_;
        hash = hash_;
    }
}
