// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title  Recursive Length Prefix
/// @notice Yellow Paper, appendix B. Reading is strict (a value has one encoding) and works on calldata, where
///         witnesses are: an item is where it begins, `offset`, inside of what ends at `end`. Writing works on
///         memory at a pointer whose room the caller vouches for, and returns where it stopped.
library Rlp {
    /// @notice What is at this offset of calldata isn't the canonical encoding of what is expected there.
    error InvalidRlp(uint256 offset);

    /// @dev The first prefix of strings and of lists, by which `writeHeader` tells them apart.
    uint256 internal constant STRING = 0x80;
    uint256 internal constant LIST = 0xc0;

    /// @dev Contents up to this size have it in their prefix.
    uint256 private constant SHORT_MAX = 55;

    /*//////////////////////////////////////////////////////////////////////////
                                        READING
    //////////////////////////////////////////////////////////////////////////*/

    /// @notice The item at `offset`: whether it is there, whole and canonical, and where its content begins and
    ///         stops. Never reverts, for what a stranger encoded badly may be a case with an outcome.
    function tryItem(uint256 offset, uint256 end)
        internal
        pure
        returns (bool ok, bool isList, uint256 start, uint256 stop)
    {
        if (offset >= end) return (false, false, offset, offset);
        uint256 prefix = _byteAt(offset);
        if (prefix < STRING) return (true, false, offset, offset + 1);
        isList = prefix >= LIST;
        // Offsets of calldata are far below 2^64, and so is any length of at most eight bytes.
        unchecked {
            uint256 length = prefix & 0x3f;
            start = offset + 1;
            if (length > SHORT_MAX) {
                uint256 size = length - SHORT_MAX;
                length = _load(start) >> (256 - 8 * size);
                start += size;
                bool isShortest = length > SHORT_MAX && length >> (8 * (size - 1)) != 0;
                if (!isShortest) return (false, isList, start, start);
            }
            stop = start + length;
            ok = stop <= end && (isList || length != 1 || _byteAt(start) >= STRING);
        }
    }

    /// @notice The same for an item that has to be there. Reverts with InvalidRlp.
    function item(uint256 offset, uint256 end)
        internal
        pure
        returns (bool isList, uint256 start, uint256 stop)
    {
        bool ok;
        (ok, isList, start, stop) = tryItem(offset, end);
        if (!ok) revert InvalidRlp(offset);
    }

    /// @notice Where the content of a list begins and stops. Reverts with InvalidRlp.
    function list(uint256 offset, uint256 end) internal pure returns (uint256 start, uint256 stop) {
        bool isList;
        (isList, start, stop) = item(offset, end);
        if (!isList) revert InvalidRlp(offset);
    }

    /// @notice Where the bytes of a string begin and stop. Reverts with InvalidRlp.
    function text(uint256 offset, uint256 end) internal pure returns (uint256 start, uint256 stop) {
        bool isList;
        (isList, start, stop) = item(offset, end);
        if (isList) revert InvalidRlp(offset);
    }

    /// @notice A number of at most `size` bytes, up to 32, without leading zeros, and where it stops. Reverts
    ///         with InvalidRlp.
    function number(uint256 offset, uint256 end, uint256 size)
        internal
        pure
        returns (uint256 value, uint256 stop)
    {
        uint256 start;
        (start, stop) = text(offset, end);
        uint256 length = stop - start;
        if (length == 0) return (0, stop);
        if (length > size || _byteAt(start) == 0) revert InvalidRlp(offset);
        value = _load(start) >> (256 - 8 * length);
    }

    /// @notice A string of 32 bytes, and where it stops. Reverts with InvalidRlp.
    function word(uint256 offset, uint256 end) internal pure returns (bytes32 value, uint256 stop) {
        uint256 start;
        (start, stop) = text(offset, end);
        if (stop - start != 32) revert InvalidRlp(offset);
        value = bytes32(_load(start));
    }

    /*//////////////////////////////////////////////////////////////////////////
                                        WRITING
    //////////////////////////////////////////////////////////////////////////*/

    /// @notice How many bytes precede `length` bytes of content (of a list, or of a string that isn't one
    ///         byte below 0x80, which nothing precedes). `length` below 2^64.
    function headerSize(uint256 length) internal pure returns (uint256 size) {
        size = 1;
        if (length <= SHORT_MAX) return size;
        for (; length != 0; length >>= 8) {
            ++size;
        }
    }

    /// @notice What precedes `length` bytes of a list or (see `headerSize`) a string.
    function writeHeader(uint256 pointer, uint256 kind, uint256 length)
        internal
        pure
        returns (uint256)
    {
        if (length <= SHORT_MAX) return _writeByte(pointer, kind + length);
        uint256 size = headerSize(length) - 1;
        pointer = _writeByte(pointer, kind + SHORT_MAX + size);
        return _writeTop(pointer, length << (256 - 8 * size), size);
    }

    /// @notice A number without leading zeros.
    function writeNumber(uint256 pointer, uint256 value) internal pure returns (uint256) {
        if (value != 0 && value < STRING) return _writeByte(pointer, value);
        uint256 size = _bytesOf(value);
        pointer = _writeByte(pointer, STRING + size);
        // Nothing is shifted by 256 bits that isn't zero.
        return _writeTop(pointer, value << (256 - 8 * size), size);
    }

    /// @notice A string of 32 bytes.
    function writeWord(uint256 pointer, bytes32 value) internal pure returns (uint256) {
        return _writeTop(_writeByte(pointer, STRING + 32), uint256(value), 32);
    }

    /// @notice A string.
    function writeText(uint256 pointer, bytes memory data) internal pure returns (uint256) {
        if (data.length != 1 || uint8(data[0]) >= STRING) {
            pointer = writeHeader(pointer, STRING, data.length);
        }
        return writeRaw(pointer, data);
    }

    /// @notice Bytes as they are: something that is encoded already.
    function writeRaw(uint256 pointer, bytes memory data) internal pure returns (uint256 next) {
        assembly ("memory-safe") {
            let length := mload(data)
            mcopy(pointer, add(data, 32), length)
            next := add(pointer, length)
        }
    }

    /// @notice A number's encoding: the leaf of a slot or of a journal entry.
    function encodeNumber(uint256 value) internal pure returns (bytes memory data) {
        data = new bytes(33);
        return _cut(data, writeNumber(_pointer(data), value));
    }

    /// @notice A string's encoding.
    function encodeText(bytes memory text_) internal pure returns (bytes memory data) {
        data = new bytes(text_.length + 9);
        return _cut(data, writeText(_pointer(data), text_));
    }

    /// @notice A list's encoding, from the encodings of its items.
    function encodeList(bytes memory items) internal pure returns (bytes memory data) {
        data = new bytes(items.length + 9);
        return _cut(data, writeRaw(writeHeader(_pointer(data), LIST, items.length), items));
    }

    /// @dev Gives `data` the length up to which it was written, at most the one that it was made with.
    function _cut(bytes memory data, uint256 end) private pure returns (bytes memory) {
        assembly ("memory-safe") {
            mstore(data, sub(end, add(data, 32)))
        }
        return data;
    }

    function _pointer(bytes memory data) private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := add(data, 32)
        }
    }

    /// @dev How many bytes a number has without leading zeros.
    function _bytesOf(uint256 value) private pure returns (uint256 size) {
        for (; value != 0; value >>= 8) {
            ++size;
        }
    }

    function _writeByte(uint256 pointer, uint256 value) private pure returns (uint256) {
        assembly ("memory-safe") {
            mstore8(pointer, value)
        }
        return pointer + 1;
    }

    /// @dev The first `size` bytes of a word, and no byte behind them: that may not be ours.
    function _writeTop(uint256 pointer, uint256 value, uint256 size)
        private
        pure
        returns (uint256)
    {
        assembly ("memory-safe") {
            mstore(0, value)
            mcopy(pointer, 0, size)
        }
        return pointer + size;
    }

    function _byteAt(uint256 offset) private pure returns (uint256) {
        return _load(offset) >> 248;
    }

    function _load(uint256 offset) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := calldataload(offset)
        }
    }
}
