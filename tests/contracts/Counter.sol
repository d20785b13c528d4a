// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Counter
/// @notice What client libraries deploy, call and read logs of in the tests.
contract Counter {
    /// @notice The counter moved. `by` may be negative.
    event Moved(address indexed who, int256 by, int256 now_);

    /// @notice A step of zero moves nothing.
    error NoStep(address who);

    /// @notice Where the counter stands.
    int256 public value;

    constructor(int256 start) payable {
        value = start;
    }

    /// @notice Move the counter. Reverts `NoStep` for zero, and by panic on overflow.
    function move(int256 by) external payable returns (int256) {
        if (by == 0) revert NoStep(msg.sender);
        value += by;
        emit Moved(msg.sender, by, value);
        return value;
    }

    /// @notice Always reverts with a reason.
    function refuse() external pure {
        revert("counter refuses");
    }
}
