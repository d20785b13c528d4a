// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Rlp} from "./Rlp.sol";
import {Witness, Reader} from "./Witness.sol";
import {Words} from "./Words.sol";

/// @notice What WARM takes next: an address, or a slot of it, and the list behind it.
struct Access {
    bytes32 rest;
    uint256 account;
    uint256 hasSlot;
    uint256 slot;
}

/// @title  Access lists (EIP-2930)
/// @notice As a list that opens at its first entry: VALIDATE builds it from the end, WARM takes entry by entry.
library AccessLists {
    using Witness for Reader;

    /// @notice The witness doesn't open the list.
    error WrongAccess(bytes32 expected, bytes32 actual);

    bytes32 private constant TAG = keccak256("tallystick.machine.access.v1");
    uint256 private constant WORDS = 4;

    uint256 private constant ADDRESS_GAS = 2_400;
    uint256 private constant SLOT_GAS = 1_900;

    /// @dev Encodings of fixed size: 0x94 and 20 bytes, 0xa0 and 32 bytes. An entry of no slots has two more.
    uint256 private constant ADDRESS_BYTES = 21;
    uint256 private constant SLOT_BYTES = 33;
    uint256 private constant ENTRY_BYTES_MIN = 23;
    uint256 private constant ADDRESS_PREFIX = 0x94;
    uint256 private constant SLOT_PREFIX = 0xa0;

    /// @dev An entry's place is one word of two offsets. None of calldata has 64 bits.
    uint256 private constant OFFSET_BITS = 64;

    /// @notice Takes the first entry off a list that has one.
    function open(bytes32 expected, Reader memory r) internal pure returns (Access memory access) {
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := access
        }
        r.copy(pointer, WORDS * 32);
        bytes32 actual = Words.commit(TAG, pointer, WORDS);
        if (actual != expected) revert WrongAccess(expected, actual);
    }

    /// @notice The list whose encoded entries are at `start` of calldata, and what they cost.
    /// @return ok Whether that is an access list; nothing reverts where it isn't.
    function build(uint256 start, uint256 end)
        internal
        pure
        returns (bool ok, bytes32 list, uint256 gas)
    {
        // Room for as many as there can be: 91 KB for the longest transaction.
        uint256[] memory entries = new uint256[]((end - start) / ENTRY_BYTES_MIN);
        uint256 count;
        for (uint256 position = start; position != end; ++count) {
            uint256 entry;
            (ok, entry, position) = _entry(position, end);
            if (!ok) return (false, 0, 0);
            entries[count] = entry;
        }
        Access memory link;
        gas = count * ADDRESS_GAS;
        while (count != 0) {
            uint256 entry = entries[--count];
            uint256 slots;
            (ok, slots) = _push(link, entry >> OFFSET_BITS, uint64(entry));
            if (!ok) return (false, 0, 0);
            gas += slots * SLOT_GAS;
        }
        return (true, link.rest, gas);
    }

    /// @dev An entry's address and slots: where the address begins and where the entry ends.
    function _entry(uint256 position, uint256 end)
        private
        pure
        returns (bool ok, uint256 entry, uint256 next)
    {
        bool isList;
        uint256 start;
        (ok, isList, start, next) = Rlp.tryItem(position, end);
        if (!ok || !isList || next - start < ENTRY_BYTES_MIN - 1) return (false, 0, 0);
        if (_byteAt(start) != ADDRESS_PREFIX) return (false, 0, 0);
        uint256 stop;
        (ok, isList, position, stop) = Rlp.tryItem(start + ADDRESS_BYTES, next);
        if (!ok || !isList || stop != next || (stop - position) % SLOT_BYTES != 0) return (false, 0, 0);
        entry = (start << OFFSET_BITS) | next;
    }

    /// @dev Puts an entry in front: its slots, the last one first, and then its address. `link.rest` is the
    ///      list before and after.
    function _push(Access memory link, uint256 start, uint256 end)
        private
        pure
        returns (bool ok, uint256 slots)
    {
        link.account = _load(start + 1) >> 96;
        link.hasSlot = 1;
        (,, uint256 first,) = Rlp.tryItem(start + ADDRESS_BYTES, end);
        for (uint256 position = end; position != first; ++slots) {
            position -= SLOT_BYTES;
            if (_byteAt(position) != SLOT_PREFIX) return (false, 0);
            link.slot = _load(position + 1);
            link.rest = _hash(link);
        }
        link.hasSlot = 0;
        link.slot = 0;
        link.rest = _hash(link);
        return (true, slots);
    }

    function _hash(Access memory link) private pure returns (bytes32) {
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := link
        }
        return Words.commit(TAG, pointer, WORDS);
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
