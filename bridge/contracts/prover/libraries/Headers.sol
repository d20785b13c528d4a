// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Boundary} from "../../libraries/Boundary.sol";
import {Block, Blocks} from "./Blocks.sol";
import {Inputs} from "./Inputs.sol";
import {Rlp} from "./Rlp.sol";
import {TrieEdit} from "./TrieEdit.sol";
import {Reader, Witness} from "./Witness.sol";

/// @notice What the next block needs of a header.
struct ParentHeader {
    uint256 gasLimit;
    uint256 gasUsed;
    uint256 timestamp;
    uint256 baseFee;
}

/// @title  Block headers
/// @notice Cancun's twenty fields (EIP-1559, EIP-4895, EIP-4844, EIP-4788); docs/chain-rules.md, "Headers".
library Headers {
    using Witness for Reader;

    /// @notice The witness doesn't open the header.
    error WrongHeader(bytes32 expected, bytes32 actual);

    /// @dev keccak256(rlp([])): no block has ommers.
    bytes32 private constant EMPTY_OMMERS_HASH =
        0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347;

    /// @dev Places in the list of fields.
    uint256 private constant GAS_LIMIT = 9;
    uint256 private constant BASE_FEE = 15;

    /// @dev Nine hashes, the bloom, and eleven more fields of at most 33 bytes.
    uint256 private constant CONTENT_BYTES_MAX = 33 * 20 + 259;

    /// @dev Room before the content for what precedes a list of that size.
    uint256 private constant PREFIX_BYTES_MAX = 32;

    /// @dev EIP-1559.
    uint256 private constant ELASTICITY_MULTIPLIER = 2;
    uint256 private constant BASE_FEE_MAX_CHANGE_DENOMINATOR = 8;

    /// @notice Reads the header whose hash is `expected` from a blob. As the hash is that of a real block,
    ///         its fields need no more checks than it takes to find them.
    function open(bytes32 expected, Reader memory r)
        internal
        pure
        returns (ParentHeader memory header)
    {
        (uint256 offset, uint256 length) = r.blobAt();
        bytes32 actual;
        assembly ("memory-safe") {
            // Hashed in free memory, where nothing is kept.
            let scratch := mload(0x40)
            calldatacopy(scratch, offset, length)
            actual := keccak256(scratch, length)
        }
        if (actual != expected) revert WrongHeader(expected, actual);
        (uint256 field, uint256 end) = Rlp.list(offset, offset + length);
        for (uint256 i = 0; i < GAS_LIMIT; ++i) {
            (,, field) = Rlp.item(field, end);
        }
        (header.gasLimit, field) = Rlp.number(field, end, 32);
        (header.gasUsed, field) = Rlp.number(field, end, 32);
        (header.timestamp, field) = Rlp.number(field, end, 32);
        for (uint256 i = GAS_LIMIT + 3; i < BASE_FEE; ++i) {
            (,, field) = Rlp.item(field, end);
        }
        (header.baseFee,) = Rlp.number(field, end, 32);
    }

    /// @notice The base fee of the block after `parent`, in wei a gas (EIP-1559).
    function nextBaseFee(ParentHeader memory parent) internal pure returns (uint256) {
        uint256 target = parent.gasLimit / ELASTICITY_MULTIPLIER;
        if (parent.gasUsed == target) return parent.baseFee;
        bool isRising = parent.gasUsed > target;
        uint256 distance = isRising ? parent.gasUsed - target : target - parent.gasUsed;
        uint256 change =
            ((parent.baseFee * distance) / target) / BASE_FEE_MAX_CHANGE_DENOMINATOR;
        if (!isRising) return parent.baseFee - change;
        return parent.baseFee + (change == 0 ? 1 : change);
    }

    /// @notice The hash of the header of a block that is done.
    function hash(Boundary memory parent, Block memory b, Inputs memory inputs, bytes32 stateRoot)
        internal
        pure
        returns (bytes32 result)
    {
        bytes memory room = new bytes(PREFIX_BYTES_MAX + CONTENT_BYTES_MAX);
        uint256 start;
        assembly ("memory-safe") {
            start := add(room, add(32, PREFIX_BYTES_MAX))
        }
        uint256 end = _writeRoots(start, parent, b, inputs, stateRoot);
        end = _writeRest(end, b);
        // What precedes the fields depends on their size, so that it is put before them afterwards.
        uint256 from = start - Rlp.headerSize(end - start);
        Rlp.writeHeader(from, Rlp.LIST, end - start);
        assembly ("memory-safe") {
            result := keccak256(from, sub(end, from))
        }
    }

    /// @dev The fields up to the bloom.
    function _writeRoots(
        uint256 cursor,
        Boundary memory parent,
        Block memory b,
        Inputs memory inputs,
        bytes32 stateRoot
    ) private pure returns (uint256) {
        cursor = Rlp.writeWord(cursor, parent.headerHash);
        cursor = Rlp.writeWord(cursor, EMPTY_OMMERS_HASH);
        cursor = Rlp.writeText(cursor, abi.encodePacked(address(uint160(b.coinbase))));
        cursor = Rlp.writeWord(cursor, stateRoot);
        cursor = Rlp.writeWord(cursor, inputs.transactionsRoot);
        cursor = Rlp.writeWord(cursor, inputs.receiptsRoot);
        return Rlp.writeText(cursor, Blocks.bloom(b));
    }

    /// @dev The fields from the difficulty on.
    function _writeRest(uint256 cursor, Block memory b) private pure returns (uint256) {
        cursor = Rlp.writeNumber(cursor, 0); // difficulty
        cursor = Rlp.writeNumber(cursor, b.number);
        cursor = Rlp.writeNumber(cursor, b.gasLimit);
        cursor = Rlp.writeNumber(cursor, b.gasUsed);
        cursor = Rlp.writeNumber(cursor, b.timestamp);
        cursor = Rlp.writeText(cursor, ""); // extra data
        cursor = Rlp.writeWord(cursor, b.prevRandao);
        cursor = Rlp.writeText(cursor, abi.encodePacked(bytes8(0))); // nonce
        cursor = Rlp.writeNumber(cursor, b.baseFee);
        cursor = Rlp.writeWord(cursor, TrieEdit.EMPTY_ROOT); // withdrawals
        cursor = Rlp.writeNumber(cursor, 0); // blob gas used
        cursor = Rlp.writeNumber(cursor, 0); // excess blob gas
        return Rlp.writeWord(cursor, bytes32(0)); // parent beacon block root
    }
}
