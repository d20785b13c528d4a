// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title  The clocks of a game
/// @notice As in chess: each of the two sides has `limit` seconds for all its answers down one path of
///         the tree. A claim keeps what its side had used when it made it; whoever answers goes on from
///         what their side had used at the grandparent of the answer.
///
///         An answer in the last moment must not leave the other side without one. So a claim never
///         keeps more than leaves its side an extension for the next answer; and twice that one level
///         above the leaves, for there the next answer is a step with its witness.
library Clock {
    /// @notice When the time to answer a claim is over, in seconds. In that second it is too late.
    /// @param  madeAt     When the claim was made.
    /// @param  usedBefore What the answering side had used when it made the claim above; 0 for the root.
    /// @param  limit      What a side has, in seconds.
    function expiry(uint256 madeAt, uint256 usedBefore, uint256 limit)
        internal
        pure
        returns (uint256)
    {
        return madeAt + limit - usedBefore;
    }

    /// @notice What a side has used that answers `remaining` seconds before its time is over, less what
    ///         it is given back so that an extension is left.
    function usedAfterMove(uint256 remaining, uint256 limit, uint256 extension)
        internal
        pure
        returns (uint256)
    {
        return limit - (remaining < extension ? extension : remaining);
    }

    /// @notice The extension that a claim at `depth` gives its side.
    function extensionAt(uint256 depth, uint256 maxDepth, uint256 extension)
        internal
        pure
        returns (uint256)
    {
        return depth + 1 == maxDepth ? 2 * extension : extension;
    }
}
