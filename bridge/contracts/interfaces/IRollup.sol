// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IInbox} from "./IInbox.sol";

/// @notice What the Portal and the games ask of the Rollup.
interface IRollup {
    /// @notice The log that L2 follows from.
    function inbox() external view returns (IInbox);

    /// @notice Whether the Rollup created this game.
    function isGame(address game) external view returns (bool);

    /// @notice A game tells that it is resolved.
    function gameResolved() external;
}
