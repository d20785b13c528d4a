// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title  A token that keeps a fee, calls its sender back, returns nothing, or returns false
contract HostileToken {
    enum Answer {
        Yes,
        No,
        Nothing
    }

    uint256 public feePercent;
    Answer public answer;
    address public hook;
    mapping(address account => uint256 balance) public balanceOf;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function configure(uint256 feePercent_, Answer answer_, address hook_) external {
        feePercent = feePercent_;
        answer = answer_;
        hook = hook_;
    }

    function transfer(address to, uint256 amount) external {
        _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external {
        _move(from, to, amount);
    }

    function _move(address from, address to, uint256 amount) private {
        if (hook != address(0)) {
            (bool success,) = hook.call("");
            require(success, "hook");
        }
        if (answer != Answer.No) {
            balanceOf[from] -= amount;
            balanceOf[to] += amount * (100 - feePercent) / 100;
        }
        if (answer == Answer.Nothing) return;
        uint256 result = answer == Answer.Yes ? 1 : 0;
        assembly ("memory-safe") {
            mstore(0, result)
            return(0, 0x20)
        }
    }
}
