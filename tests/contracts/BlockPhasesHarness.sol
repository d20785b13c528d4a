// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchCodec} from "../../bridge/contracts/prover/libraries/BatchCodec.sol";
import {Headers, ParentHeader} from "../../bridge/contracts/prover/libraries/Headers.sol";
import {ListTrie} from "../../bridge/contracts/prover/libraries/ListTrie.sol";

/// @title  What a block's own phases are made of, callable
contract BlockPhasesHarness {
    /// @notice The payload of a batch; no bytes for a void one.
    function decode(bytes calldata posted) external pure returns (bytes memory) {
        return BatchCodec.decode(_offset(posted), posted.length);
    }

    /// @notice The hash of one leaf node of a trie of `count` items.
    function leafHash(uint256 index, uint256 count, bytes calldata item)
        external
        pure
        returns (bytes32)
    {
        return ListTrie.leafHash(index, count, _offset(item), item.length);
    }

    /// @notice The root of the trie with these items.
    function root(bytes[] calldata items) external pure returns (bytes32) {
        bytes32[] memory leaves = new bytes32[](items.length);
        for (uint256 i = 0; i < items.length; ++i) {
            leaves[i] = ListTrie.leafHash(i, items.length, _offset(items[i]), items[i].length);
        }
        return ListTrie.rootAbove(leaves);
    }

    /// @notice The root of the trie with these leaf nodes.
    function rootAbove(bytes32[] calldata leaves) external pure returns (bytes32) {
        return ListTrie.rootAbove(leaves);
    }

    /// @notice The base fee after a header.
    function nextBaseFee(ParentHeader calldata header) external pure returns (uint256) {
        return Headers.nextBaseFee(header);
    }

    function _offset(bytes calldata data) private pure returns (uint256 offset) {
        assembly ("memory-safe") {
            offset := data.offset
        }
    }
}
