// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "../interfaces/IERC20.sol";

/// @title  Token transfers that don't fail silently
/// @notice Takes tokens that return nothing or true; refuses false, and addresses without code.
library TokenTransfer {
    /// @notice The token refused.
    error TransferFailed(address token);

    /// @notice Moves `amount` from this contract to `to`. Reverts with TransferFailed.
    function push(IERC20 token, address to, uint256 amount) internal {
        _call(address(token), abi.encodeCall(IERC20.transfer, (to, amount)));
    }

    /// @notice Moves `amount` from `from` to this contract and returns how much arrived, by balance: a
    ///         token may keep a fee. Reverts with TransferFailed.
    function pull(IERC20 token, address from, uint256 amount) internal returns (uint256 received) {
        uint256 before = token.balanceOf(address(this));
        _call(address(token), abi.encodeCall(IERC20.transferFrom, (from, address(this), amount)));
        return token.balanceOf(address(this)) - before;
    }

    function _call(address token, bytes memory data) private {
        (bool success, bytes memory answer) = token.call(data);
        if (!success || token.code.length == 0) revert TransferFailed(token);
        if (answer.length == 0) return;
        if (answer.length < 32 || uint256(bytes32(answer)) != 1) revert TransferFailed(token);
    }
}
