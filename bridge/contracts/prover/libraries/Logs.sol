// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Rlp} from "./Rlp.sol";
import {Reader, Witness} from "./Witness.sol";
import {Words} from "./Words.sol";

/// @notice A link of the list of logs: the list before it, what was logged, and how long all are together.
struct LogLink {
    bytes32 previous;
    bytes32 logHash;
    uint256 bytesSoFar;
}

/// @title  A transaction's logs: a list that grows at its end
/// @notice docs/machine.md, "Machine": each link has keccak(rlp([address, topics, data])), and the encoded bytes
///         of this log and those before it.
library Logs {
    using Witness for Reader;

    /// @notice The witness doesn't open the last link.
    error WrongLogs(bytes32 expected, bytes32 actual);

    bytes32 private constant TAG = keccak256("tallystick.machine.log.v1");
    uint256 private constant WORDS = 3;

    /// @notice The last link of a list that isn't empty.
    function open(bytes32 logs, Reader memory r) internal pure returns (LogLink memory link) {
        r.copy(_pointer(link), WORDS * 32);
        bytes32 actual = _hash(link);
        if (actual != logs) revert WrongLogs(logs, actual);
    }

    /// @notice How many bytes the logs take in the receipt, before its list's header. Takes no witness for none.
    function bytesSoFar(bytes32 logs, Reader memory r) internal pure returns (uint256) {
        return logs == 0 ? 0 : open(logs, r).bytesSoFar;
    }

    /// @notice The list with one more log, with which it takes `total` bytes.
    function append(bytes32 logs, bytes32 logHash, uint256 total) internal pure returns (bytes32) {
        return _hash(LogLink(logs, logHash, total));
    }

    /// @notice A log as it is in the receipt (Yellow Paper, section 4.3.1).
    function encode(address account, bytes32[] memory topics, bytes memory data)
        internal
        pure
        returns (bytes memory)
    {
        bytes memory encodedTopics;
        for (uint256 i = 0; i < topics.length; ++i) {
            encodedTopics =
                bytes.concat(encodedTopics, Rlp.encodeText(abi.encodePacked(topics[i])));
        }
        return Rlp.encodeList(
            bytes.concat(
                Rlp.encodeText(abi.encodePacked(account)),
                Rlp.encodeList(encodedTopics),
                Rlp.encodeText(data)
            )
        );
    }

    function _hash(LogLink memory link) private pure returns (bytes32) {
        return Words.commit(TAG, _pointer(link), WORDS);
    }

    function _pointer(LogLink memory link) private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := link
        }
    }
}
