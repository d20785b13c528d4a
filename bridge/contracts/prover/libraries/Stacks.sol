// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Frame} from "./Frames.sol";
import {Reader, Witness} from "./Witness.sol";
import {Words} from "./Words.sol";

/// @title  The stack: a list from the bottom up
/// @notice Popping k items takes k words, the top one first, and the list below them.
library Stacks {
    using Witness for Reader;

    /// @notice The items read aren't the top of the stack.
    error WrongStack(bytes32 expected, bytes32 actual);

    bytes32 private constant TAG = keccak256("tallystick.machine.stack.v1");

    /// @notice Takes `count` items off; items[0] was the top. The stack has to hold as many.
    function pop(Frame memory f, uint256 count, Reader memory r)
        internal
        pure
        returns (uint256[] memory items)
    {
        items = new uint256[](count);
        if (count == 0) return items;
        for (uint256 i = 0; i < count; ++i) {
            items[i] = r.number();
        }
        bytes32 below = r.word();
        bytes32 actual = below;
        for (uint256 i = count; i != 0; --i) {
            actual = Words.commit(TAG, actual, bytes32(items[i - 1]));
        }
        if (actual != f.stack) revert WrongStack(f.stack, actual);
        f.stack = below;
        f.stackLength -= count;
    }

    /// @notice Takes the top item off.
    function pop(Frame memory f, Reader memory r) internal pure returns (uint256) {
        return pop(f, 1, r)[0];
    }

    /// @notice Puts an item on top.
    function push(Frame memory f, uint256 item) internal pure {
        f.stack = Words.commit(TAG, f.stack, bytes32(item));
        f.stackLength += 1;
    }
}
