// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/*──────────────────────────────────────────────────────────────────────────────
│ Lists                                                                         │
│                                                                               │
│ Lists of structs in memory, as what they are: lists of where the structs lie. │
│ A margin check takes hundreds of items from them, and the bounds that their   │
│ own counts have kept already would be a tenth of what it computes.            │
──────────────────────────────────────────────────────────────────────────────*/
library Lists {
    /// @notice Item `i`: a number, or where a struct lies. @param i Below the length.
    function get(uint256[] memory list, uint256 i) internal pure returns (uint256 item) {
        assembly ("memory-safe") {
            item := mload(add(add(list, 32), shl(5, i)))
        }
    }

    /// @notice What it is given: where an item lies is the item.
    function self(uint256 where) internal pure returns (uint256 item) {
        item = where;
    }

    /// @notice Sets item `i`. @param i Below the length.
    function put(uint256[] memory list, uint256 i, uint256 item) internal pure {
        assembly ("memory-safe") {
            mstore(add(add(list, 32), shl(5, i)), item)
        }
    }

    /// @notice The place of the item whose first member is `id` among the first `count`, or else
    /// `count`.
    /// @param count At most the length.
    function find(uint256[] memory list, uint256 count, uint256 id)
        internal
        pure
        returns (uint256 place)
    {
        assembly ("memory-safe") {
            let first := add(list, 32)
            let end := add(first, shl(5, count))
            let next := first
            for {} lt(next, end) { next := add(next, 32) } {
                if eq(mload(mload(next)), id) { break }
            }
            place := shr(5, sub(next, first))
        }
    }

    /// @notice The first `count` items in a list with room for `room` more.
    function longer(uint256[] memory list, uint256 count, uint256 room)
        internal
        pure
        returns (uint256[] memory copy)
    {
        copy = new uint256[](count + room);
        for (uint256 i = 0; i < count; i++) copy[i] = list[i];
    }
}
