// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A place in the binary tree over a trace, as a generalized index: the root is 1, the children
///         of p are 2p and 2p + 1. A claim at p is about the state after the last step below p.
type Position is uint128;

using PositionMath for Position global;

/// @title  Arithmetic of positions
/// @notice After the fault dispute game of the OP Stack specification, section "Position". All positions
///         that moves lead to are even, but for the root: a right child is about the same state as its
///         parent.
library PositionMath {
    /// @notice The root of the tree: the state after the whole trace.
    Position internal constant ROOT = Position.wrap(1);

    /// @notice Steps down from the root.
    function depth(Position position) internal pure returns (uint256 levels) {
        uint256 rest = Position.unwrap(position);
        for (uint256 width = 64; width != 0; width >>= 1) {
            if (rest >> width == 0) continue;
            rest >>= width;
            levels += width;
        }
    }

    /// @notice Where somebody answers who disagrees with the claim here: in the middle of what is below.
    function attack(Position position) internal pure returns (Position) {
        return Position.wrap(Position.unwrap(position) << 1);
    }

    /// @notice Where somebody answers who agrees with the claim here, but not with the next one to the
    ///         right: in the middle of what is below the right neighbour.
    function defend(Position position) internal pure returns (Position) {
        return Position.wrap((Position.unwrap(position) | 1) << 1);
    }

    /// @notice The place to the left, at the same depth.
    function left(Position position) internal pure returns (Position) {
        return Position.wrap(Position.unwrap(position) - 1);
    }

    /// @notice The place to the right, at the same depth.
    function right(Position position) internal pure returns (Position) {
        return Position.wrap(Position.unwrap(position) + 1);
    }

    /// @notice The last step below this place, counted from 0, where leaves are `maxDepth` deep. A claim
    ///         here is about the state after that step.
    function traceIndex(Position position, uint256 maxDepth) internal pure returns (uint256) {
        uint256 end = (uint256(Position.unwrap(position)) + 1) << (maxDepth - depth(position));
        return end - 1 - (1 << maxDepth);
    }

    /// @notice The highest place that is about the same state: up for as long as this is a right child.
    function highest(Position position) internal pure returns (Position) {
        uint256 path = Position.unwrap(position);
        uint256 lowestZero = ~path & (path + 1);
        uint256 above = path / lowestZero;
        // Nothing is above where all are right turns: the last state of the trace, which is the root's.
        return above == 0 ? ROOT : Position.wrap(uint128(above));
    }

    /// @notice Whether two places are the same.
    function isSame(Position position, Position other) internal pure returns (bool) {
        return Position.unwrap(position) == Position.unwrap(other);
    }

    /// @notice Whether this place is further left than one at the same depth.
    function isLeftOf(Position position, Position other) internal pure returns (bool) {
        return Position.unwrap(position) < Position.unwrap(other);
    }
}
