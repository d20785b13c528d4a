// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice What the Portal and the games ask of the Rollup.
interface IRollup {
    /// @notice Whether the Rollup created this game.
    function isGame(address game) external view returns (bool);

    /// @notice A game tells that it is resolved.
    function gameResolved() external;
}
