// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/*──────────────────────────────────────────────────────────────────────────────
│ Orders                                                                        │
│                                                                               │
│ The packed order table of a batch, and the EIP-712 digest of an order.        │
──────────────────────────────────────────────────────────────────────────────*/
library Orders {
    uint256 internal constant LENGTH = 110;
    uint256 internal constant FILL_LENGTH = 12;
    uint256 internal constant CLEARING_LENGTH = 12;

    uint256 internal constant REDUCE_ONLY = 1;
    uint256 internal constant POST_ONLY = 2;
    /// Immediate or cancel, and fill or kill.
    uint256 internal constant IMMEDIATE = 4 | 8;
    uint256 private constant FLAGS = 15;
    uint256 private constant BUY = 0x80;

    bytes32 internal constant TYPE = keccak256(
        "Order(uint64 account,uint32 market,bool isBuy,uint64 size,uint64 price,int32 maxFeePpm,uint8 flags,uint64 nonce,uint40 expiry)"
    );

    /// An order as EIP-712 encodes it: type hash, then each member as a word.
    struct Order {
        bytes32 typeHash;
        uint64 account;
        uint32 market;
        bool isBuy;
        uint64 size;
        uint64 price;
        int32 maxFeePpm;
        uint8 flags;
        uint64 nonce;
        uint40 expiry;
    }

    /// @notice Reads order number `index` of the table into `order`.
    /// @return wellFormed Whether no unknown bit is set and the size is below 2^63.
    function read(bytes calldata table, uint256 index, Order memory order)
        internal
        pure
        returns (bool wellFormed)
    {
        (uint256 head, uint256 tail) = _ends(table, index);
        uint256 bits = (head >> 152) & 0xff;
        order.typeHash = TYPE;
        order.account = uint64(head >> 192);
        order.market = uint32(head >> 160);
        order.isBuy = bits & BUY != 0;
        order.size = uint64(head >> 88);
        order.price = uint64(head >> 24);
        order.maxFeePpm = int32(uint32(tail >> 224));
        order.flags = uint8(bits & FLAGS);
        order.nonce = uint64(tail >> 160);
        order.expiry = uint40(tail >> 120);
        return bits & ~(BUY | FLAGS) == 0 && order.size < 1 << 63;
    }

    /// The first word of an order, and the last before its signature.
    function _ends(bytes calldata table, uint256 index)
        private
        pure
        returns (uint256 head, uint256 tail)
    {
        // An order number is below 2^16.
        unchecked {
            uint256 offset = index * LENGTH;
            return (uint256(_word(table, offset)), uint256(_word(table, offset + 29)));
        }
    }

    /// @notice The compact signature (EIP-2098) of order number `index`.
    function signature(bytes calldata table, uint256 index)
        internal
        pure
        returns (bytes32 r, bytes32 vs)
    {
        // As in `_ends`.
        unchecked {
            uint256 offset = index * LENGTH + 46;
            return (_word(table, offset), _word(table, offset + 32));
        }
    }

    /// @notice Fill number `index`: two order numbers and a size (s8).
    function fill(bytes calldata table, uint256 index)
        internal
        pure
        returns (uint256 taker, uint256 maker, uint64 size)
    {
        // Calldata is shorter than 2^64 bytes.
        unchecked {
            uint256 word = uint256(_word(table, index * FILL_LENGTH));
            return (word >> 240, (word >> 224) & 0xffff, uint64(word >> 160));
        }
    }

    /// @notice The clearing price (p8) of a market, 0 when the batch names none.
    function clearingPrice(bytes calldata table, uint32 market) internal pure returns (uint64) {
        for (uint256 offset = 0; offset + CLEARING_LENGTH <= table.length;) {
            uint256 word = uint256(_word(table, offset));
            if (uint32(word >> 224) == market) return uint64(word >> 160);
            offset += CLEARING_LENGTH;
        }
        return 0;
    }

    /// @notice EIP-712 digest of an order in a domain.
    function digest(Order memory order, bytes32 domain) internal pure returns (bytes32 hash) {
        // A struct in memory is one word a member, cleaned on assignment: EIP-712's encodeData. The
        // 66 bytes to hash lie beyond what is allocated, and are forgotten.
        assembly ("memory-safe") {
            let bytes_ := mload(0x40)
            mstore(bytes_, shl(240, 0x1901))
            mstore(add(bytes_, 2), domain)
            mstore(add(bytes_, 34), keccak256(order, 320))
            hash := keccak256(bytes_, 66)
        }
    }

    /// 32 bytes of `data` from `offset`; zeros beyond the end of calldata.
    function _word(bytes calldata data, uint256 offset) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := calldataload(add(data.offset, offset))
        }
    }
}
