// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Item} from "./Items.sol";
import {Rlp} from "./Rlp.sol";
import {PendingTx} from "./Transactions.sol";

/// @notice A transaction of type 0x7E, which L1 vouches for (OP Stack, deposits).
/// @param  to   Who is called; no bytes for a creation.
/// @param  data In memory.
struct Deposit {
    bytes32 sourceHash;
    address from;
    bytes to;
    uint256 mint;
    uint256 value;
    uint256 gas;
    bytes data;
}

/// @title  From inbox items to deposit transactions
/// @notice docs/derivation.md, sections 5 and 7. Total: data that the Portal would not have appended is void.
library DepositTransactions {
    /// @notice The largest data of an item that may be no void deposit, in bytes.
    uint256 internal constant ITEM_BYTES_MAX = HEAD_BYTES + DATA_BYTES_MAX;

    /// @dev Six words and the data's length. What follows is the data, zeros up to a whole word behind it.
    uint256 private constant HEAD_BYTES = 7 * 32;
    uint256 private constant DATA_OFFSET = 6 * 32;
    uint256 private constant DATA_BYTES_MAX = 65_536;

    uint256 private constant MINT_MAX = type(uint128).max;

    /// @dev EIP-7825.
    uint256 private constant GAS_MAX = 1 << 24;

    uint256 private constant TYPE = 0x7e;

    /// @dev Domains of source hashes.
    uint256 private constant USER_SOURCE = 0;
    uint256 private constant ATTRIBUTES_SOURCE = 1;

    address private constant ATTRIBUTES_SENDER = 0xDeaDDEaDDeAdDeAdDEAdDEaddeAddEAdDEAd0001;
    address private constant L1_BLOCK = 0x4200000000000000000000000000000000000015;
    uint256 private constant ATTRIBUTES_GAS = 1_000_000;
    bytes4 private constant SET_L1_BLOCK_VALUES =
        bytes4(keccak256("setL1BlockValues(uint64,uint64,uint256,bytes32,uint64)"));

    /// @notice The deposit that starts block `number`, whose origin is `item`.
    function attributes(Item memory item, uint256 number, uint256 sequenceNumber)
        internal
        pure
        returns (PendingTx memory)
    {
        Deposit memory deposit;
        bytes32 place = keccak256(abi.encode(item.acc, number));
        deposit.sourceHash = keccak256(abi.encode(ATTRIBUTES_SOURCE, place));
        deposit.from = ATTRIBUTES_SENDER;
        deposit.to = abi.encodePacked(L1_BLOCK);
        deposit.gas = ATTRIBUTES_GAS;
        deposit.data = abi.encodePacked(
            SET_L1_BLOCK_VALUES,
            item.l1Number,
            item.time,
            item.l1BaseFee,
            item.l1Hash,
            sequenceNumber
        );
        return _pending(deposit);
    }

    /// @notice The transaction of a deposit item whose data lies at `offset` of calldata; false for a void one.
    function ofItem(Item memory item, uint256 offset)
        internal
        pure
        returns (bool isSound, PendingTx memory pending)
    {
        if (item.dataSize < HEAD_BYTES) return (false, pending);
        Deposit memory deposit;
        (isSound, deposit) = _decode(msg.data[offset:offset + item.dataSize]);
        if (!isSound) return (false, pending);
        deposit.sourceHash = keccak256(abi.encode(USER_SOURCE, keccak256(abi.encode(item.acc))));
        deposit.from = address(uint160(item.sender));
        return (true, _pending(deposit));
    }

    /// @dev Reads `abi.encode(mint, value, gasLimit, isCreation, to, data)` in its one canonical form.
    function _decode(bytes calldata encoded)
        private
        pure
        returns (bool isSound, Deposit memory deposit)
    {
        uint256[7] memory words = abi.decode(encoded[:HEAD_BYTES], (uint256[7]));
        (deposit.mint, deposit.value, deposit.gas) = (words[0], words[1], words[2]);
        bool isCreation = words[3] == 1;
        isSound = deposit.mint <= MINT_MAX && deposit.gas <= GAS_MAX && words[3] <= 1
            && words[4] <= type(uint160).max && !(isCreation && words[4] != 0)
            && words[5] == DATA_OFFSET && _isPadded(encoded[HEAD_BYTES:], words[6]);
        if (!isSound) return (false, deposit);
        if (!isCreation) deposit.to = abi.encodePacked(address(uint160(words[4])));
        deposit.data = encoded[HEAD_BYTES:HEAD_BYTES + words[6]];
    }

    /// @dev Whether these are `length` bytes and the fewest zeros that make whole words of them.
    function _isPadded(bytes calldata padded, uint256 length) private pure returns (bool) {
        uint256 size = padded.length;
        if (length > size || length > DATA_BYTES_MAX) return false;
        if (size - length > 31 || size & 31 != 0) return false;
        if (length == size) return true;
        return uint256(bytes32(padded[size - 32:])) << (8 * (length & 31)) == 0;
    }

    /// @dev Encodes `0x7E || rlp([sourceHash, from, to, mint, value, gas, isSystemTx = false, data])`.
    function _pending(Deposit memory deposit) private pure returns (PendingTx memory) {
        bytes memory amounts = bytes.concat(
            Rlp.encodeNumber(deposit.mint),
            Rlp.encodeNumber(deposit.value),
            Rlp.encodeNumber(deposit.gas),
            Rlp.encodeText("")
        );
        bytes memory fields = bytes.concat(
            Rlp.encodeText(abi.encodePacked(deposit.sourceHash)),
            Rlp.encodeText(abi.encodePacked(deposit.from)),
            Rlp.encodeText(deposit.to),
            amounts,
            Rlp.encodeText(deposit.data)
        );
        bytes memory envelope = bytes.concat(bytes1(uint8(TYPE)), Rlp.encodeList(fields));
        return PendingTx(keccak256(envelope), envelope.length, 1);
    }
}
