// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title  Hashes of machine states that the game itself makes
/// @notice docs/machine.md, "Machine".
library MachineHash {
    bytes32 private constant STATE_TAG = keccak256("tallystick.machine.state.v1");

    /// @dev Between blocks.
    uint256 private constant STATUS_BOUNDARY = 48;

    /// @notice The state between two blocks where L2 is what `outputRoot` says: the tag, the status, the
    ///         boundary, and nine words that are zero.
    function ofBoundary(bytes32 outputRoot) internal pure returns (bytes32) {
        uint256[9] memory nothing;
        return keccak256(abi.encode(STATE_TAG, STATUS_BOUNDARY, outputRoot, nothing));
    }
}
