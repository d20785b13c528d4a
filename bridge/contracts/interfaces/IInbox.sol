// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice What the other L1 contracts ask of the Inbox.
interface IInbox {
    /// @notice Appends a deposit; only the Portal.
    function appendDeposit(address from, bytes calldata data) external returns (uint256 index);

    /// @notice The accumulator up to and with item `index`.
    function acc(uint256 index) external view returns (bytes32);

    /// @notice How many items there are.
    function count() external view returns (uint256);
}
