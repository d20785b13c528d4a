// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {StepContext} from "../../interfaces/IOneStepProver.sol";
import {Reader, Witness} from "./Witness.sol";

/// @notice An item of the inbox: the twelve words that its accumulator commits to (Inbox.sol), and that.
struct Item {
    bytes32 previous;
    uint256 kind;
    uint256 index;
    uint256 deposits;
    uint256 sender;
    bytes32 dataHash;
    uint256 dataSize;
    uint256 l1Number;
    uint256 time;
    uint256 l1BaseFee;
    bytes32 prevRandao;
    bytes32 l1Hash;
    bytes32 acc;
}

/// @title  Opening items of the inbox
/// @notice An item is authenticated by `acc` in the Inbox's storage. How many batches and deposits there are
///         follows from the last item that the game counts, so that a prover can't hide one: an item beyond
///         doesn't exist for the game. Ordinals: docs/derivation.md, section 2.
library Items {
    using Witness for Reader;

    /// @notice The witness doesn't open the item.
    error WrongItem(uint256 index, bytes32 expected, bytes32 actual);

    /// @notice An item that the game doesn't count.
    error BeyondPrefix(uint256 index, uint256 count);

    /// @notice Another item than the one with that ordinal.
    error WrongOrdinal(uint256 index, uint256 ordinal);

    /// @notice The data isn't the item's.
    error WrongData(bytes32 expected, bytes32 actual);

    uint256 internal constant BATCH = 0;
    uint256 internal constant DEPOSIT = 1;
    uint256 internal constant FORCED = 2;
    uint256 internal constant TICK = 3;

    uint256 private constant WORDS = 12;

    /// @notice The item at `index` of the log.
    function open(StepContext calldata context, uint256 index, Reader memory r)
        internal
        view
        returns (Item memory item)
    {
        item = _next(r);
        if (item.index != index) revert WrongItem(index, bytes32(index), bytes32(item.index));
        _authenticate(context, item);
    }

    /// @notice The batch or tick with that ordinal, if the prefix has it.
    function openBatch(StepContext calldata context, uint256 ordinal, Reader memory r)
        internal
        view
        returns (bool exists, Item memory item)
    {
        if (ordinal >= context.inboxCount - _deposits(context, r)) return (false, item);
        item = _next(r);
        bool isBatch = item.kind == BATCH || item.kind == TICK;
        _authenticate(context, item);
        if (!isBatch || item.index - item.deposits != ordinal) {
            revert WrongOrdinal(item.index, ordinal);
        }
        return (true, item);
    }

    /// @notice The deposit or forced transaction with that ordinal, if the prefix has it.
    function openDeposit(StepContext calldata context, uint256 ordinal, Reader memory r)
        internal
        view
        returns (bool exists, Item memory item)
    {
        if (ordinal >= _deposits(context, r)) return (false, item);
        item = _next(r);
        bool isDeposit = item.kind == DEPOSIT || item.kind == FORCED;
        _authenticate(context, item);
        if (!isDeposit || item.deposits != ordinal + 1) revert WrongOrdinal(item.index, ordinal);
        return (true, item);
    }

    /// @notice Where an item's data lies in calldata; its size is the item's own.
    function openData(Item memory item, Reader memory r) internal pure returns (uint256 offset) {
        uint256 size = item.dataSize;
        offset = r.skip(size);
        bytes32 actual;
        assembly ("memory-safe") {
            // Hashed in free memory, where nothing is kept.
            let scratch := mload(0x40)
            calldatacopy(scratch, offset, size)
            actual := keccak256(scratch, size)
        }
        if (actual != item.dataHash) revert WrongData(item.dataHash, actual);
    }

    /// @dev How many deposits and forced transactions the prefix has, by its last item.
    function _deposits(StepContext calldata context, Reader memory r)
        private
        view
        returns (uint256)
    {
        return open(context, context.inboxCount - 1, r).deposits;
    }

    function _next(Reader memory r) private pure returns (Item memory item) {
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := item
        }
        r.copy(pointer, WORDS * 32);
        assembly ("memory-safe") {
            mstore(add(pointer, 384), keccak256(pointer, 384)) // `acc`, behind the twelve words
        }
    }

    function _authenticate(StepContext calldata context, Item memory item) private view {
        uint256 index = item.index;
        if (index >= context.inboxCount) revert BeyondPrefix(index, context.inboxCount);
        bytes32 acc = context.inbox.acc(index);
        if (acc != item.acc) revert WrongItem(index, acc, item.acc);
    }
}
