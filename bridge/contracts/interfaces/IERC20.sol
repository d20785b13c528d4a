// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice What the Portal asks of the token on L1 (ERC-20).
interface IERC20 {
    /// @notice How much `account` has, in the token's smallest unit.
    function balanceOf(address account) external view returns (uint256);

    /// @notice Moves the caller's tokens.
    function transfer(address to, uint256 amount) external returns (bool);

    /// @notice Moves tokens within the caller's allowance.
    function transferFrom(address from, address to, uint256 amount) external returns (bool);
}
