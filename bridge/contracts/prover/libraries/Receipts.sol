// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Logs} from "./Logs.sol";
import {Rlp} from "./Rlp.sol";
import {Reader, Witness} from "./Witness.sol";

/// @notice What a transaction leaves behind (EIP-658, EIP-2718).
/// @param  bloom 256 bytes, the filter over the logs.
/// @param  logs  Their encodings, one after the other.
struct Receipt {
    uint256 txType;
    bool succeeded;
    uint256 cumulativeGas;
    bytes bloom;
    bytes logs;
}

/// @title  Receipts: opening a transaction's logs, and the encoding that the trie holds
library Receipts {
    using Witness for Reader;

    uint256 private constant BLOOM_BYTES = 256;

    /// @notice Opens all logs of a list, from the first on, into a receipt.
    function openLogs(Receipt memory receipt, bytes32 logs, Reader memory r) internal pure {
        receipt.bloom = new bytes(BLOOM_BYTES);
        // They have at most as many bytes as the witness has left.
        bytes memory encoded = new bytes(r.end - r.position);
        bytes32 head;
        uint256 size;
        // The list's hash says where it ends: no list begins with itself.
        while (head != logs) {
            (uint256 offset, uint256 length) = r.blobAt();
            assembly ("memory-safe") {
                calldatacopy(add(add(encoded, 32), size), offset, length)
            }
            size += length;
            head = Logs.append(head, _hash(offset, offset + length), size);
            _addToBloom(receipt.bloom, offset, offset + length);
        }
        assembly ("memory-safe") {
            mstore(encoded, size)
        }
        receipt.logs = encoded;
    }

    /// @notice A receipt as it is in the trie.
    function encode(Receipt memory receipt) internal pure returns (bytes memory) {
        bytes memory list = Rlp.encodeList(
            bytes.concat(
                Rlp.encodeNumber(receipt.succeeded ? 1 : 0),
                Rlp.encodeNumber(receipt.cumulativeGas),
                Rlp.encodeText(receipt.bloom),
                Rlp.encodeList(receipt.logs)
            )
        );
        return
            receipt.txType == 0 ? list : bytes.concat(bytes1(uint8(receipt.txType)), list);
    }

    /// @dev Address and topics of a log (Yellow Paper, section 4.3.1).
    function _addToBloom(bytes memory bloom, uint256 start, uint256 end) private pure {
        (uint256 position, uint256 stop) = Rlp.list(start, end);
        uint256 next;
        (position, next) = Rlp.text(position, stop);
        _setBits(bloom, _hash(position, next));
        (position, stop) = Rlp.list(next, stop);
        while (position != stop) {
            (position, next) = Rlp.text(position, stop);
            _setBits(bloom, _hash(position, next));
            position = next;
        }
    }

    /// @dev Three of 2,048 bits, by the lowest 11 bits of the first three pairs of bytes. Bit 0 is the last.
    function _setBits(bytes memory bloom, bytes32 hash) private pure {
        assembly ("memory-safe") {
            for { let shift := 240 } gt(shift, 207) { shift := sub(shift, 16) } {
                let bit := and(shr(shift, hash), 2047)
                let place := add(add(bloom, 32), sub(255, shr(3, bit)))
                let old := byte(0, mload(place))
                mstore8(place, or(old, shl(and(bit, 7), 1)))
            }
        }
    }

    /// @dev Bytes of calldata, hashed in free memory: a thousand logs would pile up there if each was kept.
    function _hash(uint256 start, uint256 end) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let scratch := mload(0x40)
            calldatacopy(scratch, start, sub(end, start))
            hash := keccak256(scratch, sub(end, start))
        }
    }
}
