// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Boundary} from "../../libraries/Boundary.sol";
import {Reader, Witness} from "./Witness.sol";
import {Words} from "./Words.sol";

/// @title  Opening and making boundaries
/// @notice An output root is keccak(tag, the twelve words): docs/derivation.md, section 8. `BoundaryHash`
///         does the same for the Rollup, on calldata.
library Boundaries {
    using Witness for Reader;

    /// @notice The witness doesn't open the boundary.
    error WrongBoundary(bytes32 expected, bytes32 actual);

    bytes32 private constant TAG = keccak256("tallystick.boundary.v1");
    uint256 private constant WORDS = 12;

    /// @notice The boundary whose output root is `expected`.
    function open(bytes32 expected, Reader memory r) internal pure returns (Boundary memory b) {
        r.copy(_pointer(b), WORDS * 32);
        bytes32 actual = hash(b);
        if (actual != expected) revert WrongBoundary(expected, actual);
    }

    /// @notice The output root.
    function hash(Boundary memory b) internal pure returns (bytes32) {
        return Words.commit(TAG, _pointer(b), WORDS);
    }

    function _pointer(Boundary memory b) private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := b
        }
    }
}
