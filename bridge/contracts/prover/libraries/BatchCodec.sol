// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Lz4} from "./Lz4.sol";

/// @title  Batches as they are posted
/// @notice The twin of state/batch_codec.py: one codec byte, then the payload itself or its compressed form.
///         Total: whatever breaks a rule is void, which is a payload of no bytes.
library BatchCodec {
    /// @dev docs/derivation.md, section 3.
    uint256 private constant POSTED_BYTES_MAX = 81_920;

    bytes1 private constant RAW = 0x00;
    bytes1 private constant COMPRESSED = 0x01;

    /// @notice The payload of the batch posted in `size` bytes from `offset` of calldata.
    function decode(uint256 offset, uint256 size) internal pure returns (bytes memory payload) {
        if (size == 0 || size > POSTED_BYTES_MAX) return payload;
        bytes calldata posted = msg.data[offset:offset + size];
        if (posted[0] == RAW) return posted[1:];
        if (posted[0] == COMPRESSED) return Lz4.decompress(offset + 1, offset + size);
    }
}
