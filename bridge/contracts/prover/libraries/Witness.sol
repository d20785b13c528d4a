// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Where reading stands, as offsets in calldata.
struct Reader {
    uint256 position;
    uint256 end;
}

/// @title  A witness: one stream of bytes, read strictly in order
/// @notice Nothing in it has an offset or an optional part, so that one step has one witness. Whoever reads
///         has to authenticate what it reads by a hash, lengths included. docs/machine.md, "Witnesses".
library Witness {
    /// @notice The witness ends before the step is proven.
    error WitnessTooShort();

    /// @notice Bytes are left when the step is proven.
    error TrailingWitness(uint256 length);

    /// @notice A reader at the beginning of `witness`.
    function reader(bytes calldata witness) internal pure returns (Reader memory r) {
        uint256 start;
        assembly ("memory-safe") {
            start := witness.offset
        }
        r.position = start;
        // Calldata is far shorter than 2^256 bytes, and the ABI decoder has checked that it holds these.
        r.end = start + witness.length;
    }

    /// @notice Moves over `length` bytes, and returns where in calldata they begin.
    function skip(Reader memory r, uint256 length) internal pure returns (uint256 offset) {
        offset = r.position;
        if (length > r.end - offset) revert WitnessTooShort();
        r.position = offset + length;
    }

    /// @notice One word.
    function word(Reader memory r) internal pure returns (bytes32 value) {
        uint256 offset = skip(r, 32);
        assembly ("memory-safe") {
            value := calldataload(offset)
        }
    }

    /// @notice One word, as a number.
    function number(Reader memory r) internal pure returns (uint256) {
        return uint256(word(r));
    }

    /// @notice `length` bytes into memory at `pointer`, which the caller has allocated.
    function copy(Reader memory r, uint256 pointer, uint256 length) internal pure {
        uint256 offset = skip(r, length);
        assembly ("memory-safe") {
            calldatacopy(pointer, offset, length)
        }
    }

    /// @notice Where a blob lies in calldata: four bytes of length, and so many bytes.
    function blobAt(Reader memory r) internal pure returns (uint256 offset, uint256 length) {
        offset = skip(r, 4);
        assembly ("memory-safe") {
            length := shr(224, calldataload(offset))
        }
        offset = skip(r, length);
    }

    /// @notice A blob, copied into memory.
    function blob(Reader memory r) internal pure returns (bytes memory data) {
        (uint256 offset, uint256 length) = blobAt(r);
        data = new bytes(length);
        assembly ("memory-safe") {
            calldatacopy(add(data, 32), offset, length)
        }
    }

    /// @notice Holds that the witness is used up.
    function finish(Reader memory r) internal pure {
        if (r.position != r.end) revert TrailingWitness(r.end - r.position);
    }
}
