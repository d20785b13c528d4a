// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Everything that L2 is between two blocks; its hash is the output root.
/// @param  version                  Always 1.
/// @param  configHash               The chain configuration (genesis/hashing.py).
/// @param  number                   The block that was made last.
/// @param  headerHash               Its hash.
/// @param  stateRoot                The state after it.
/// @param  messagePasserStorageRoot Storage root of L2ToL1MessagePasser in that state.
/// @param  blockHashRingRoot        Merkle root over the hashes of the last 256 blocks.
/// @param  nextBatch                Ordinal of the batch or tick that comes next.
/// @param  offset                   Bytes of it, decoded, that blocks were already made from.
/// @param  nextDeposit              Ordinal of the deposit or forced transaction that comes next.
/// @param  originItem               Inbox item that the block has its L1 attributes from.
/// @param  sequenceNumber           Blocks since the origin changed.
struct Boundary {
    uint256 version;
    bytes32 configHash;
    uint256 number;
    bytes32 headerHash;
    bytes32 stateRoot;
    bytes32 messagePasserStorageRoot;
    bytes32 blockHashRingRoot;
    uint256 nextBatch;
    uint256 offset;
    uint256 nextDeposit;
    uint256 originItem;
    uint256 sequenceNumber;
}

/// @title  The hash of a boundary
library BoundaryHash {
    /// @notice A boundary of a version that isn't 1.
    error UnknownBoundaryVersion(uint256 version);

    /// @dev keccak256("tallystick.boundary.v1"): an output root is mistaken for no other hash.
    bytes32 private constant TAG = keccak256("tallystick.boundary.v1");

    /// @notice The output root: keccak256 of the tag and the fields, each one word. Reverts with
    ///         UnknownBoundaryVersion.
    function compute(Boundary calldata boundary) internal pure returns (bytes32) {
        if (boundary.version != 1) revert UnknownBoundaryVersion(boundary.version);
        return keccak256(abi.encode(TAG, boundary));
    }
}
