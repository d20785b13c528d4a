// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Reader, Witness} from "./Witness.sol";

/// @notice A block's opened place in the ring, with what it takes to put another hash there.
/// @param  siblings Where its path lies in calldata, the lowest sibling first.
struct RingPath {
    uint256 index;
    bytes32 blockHash;
    uint256 siblings;
}

/// @title  The ring of the last 256 block hashes
/// @notice A tree of depth 8, block n at leaf n % 256, so that BLOCKHASH is one path and no walk over headers.
///         docs/machine.md, "Block".
library Rings {
    using Witness for Reader;

    /// @notice The hash read isn't in the ring.
    error WrongRing(bytes32 expected, bytes32 actual);

    uint256 private constant DEPTH = 8;
    uint256 private constant PLACES = 256;

    /// @notice Opens the place of block `number`: the hash there, then its 8 siblings from the leaf up.
    function open(bytes32 root, uint256 number, Reader memory r)
        internal
        pure
        returns (RingPath memory path)
    {
        path.index = number % PLACES;
        path.blockHash = r.word();
        path.siblings = r.skip(32 * DEPTH);
        bytes32 actual = rootWith(path, path.blockHash);
        if (actual != root) revert WrongRing(root, actual);
    }

    /// @notice The root with `blockHash` in the opened place.
    function rootWith(RingPath memory path, bytes32 blockHash)
        internal
        pure
        returns (bytes32 root)
    {
        uint256 index = path.index;
        uint256 siblings = path.siblings;
        assembly ("memory-safe") {
            root := blockHash
            for { let end := add(siblings, 256) } lt(siblings, end) { siblings := add(siblings, 32) } {
                // A node at an odd place stands right of its sibling.
                let side := shl(5, and(index, 1))
                mstore(side, root)
                mstore(xor(side, 32), calldataload(siblings))
                root := keccak256(0, 64)
                index := shr(1, index)
            }
        }
    }
}
