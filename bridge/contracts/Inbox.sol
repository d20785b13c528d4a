// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title  Inbox
/// @notice The log that L2 follows from: batches of the sequencer, deposits, forced transactions and
///         ticks, in one order. Each item extends a hash chain, the accumulator, every link of which
///         stays in storage, so that a later proof can start from any item.
///
///         `acc[i] = keccak256(abi.encode(acc[i-1], kind, i, deposits, sender, keccak256(data),
///         data.length, block.number, block.timestamp, block.basefee, block.prevrandao,
///         blockhash(block.number - 1)))`, with acc[-1] = 0.
///
///         Nobody can change, remove or hold back an item, and there is no administrator.
contract Inbox {
    /// @notice What an item is. The numbers are part of the accumulator.
    enum Kind {
        Batch,
        Deposit,
        Forced,
        Tick
    }

    /// @notice The caller isn't the sequencer.
    error OnlySequencer(address caller);

    /// @notice The caller isn't the Portal.
    error OnlyPortal(address caller);

    /// @notice More bytes than an item of this kind may have.
    error DataTooLarge(uint256 size, uint256 limit);

    /// @notice An item without data.
    error DataEmpty();

    /// @notice Other items came first: an L1 reorg, or somebody's deposit.
    error IndexMoved(uint256 expected, uint256 actual);

    /// @notice The sequencer isn't silent for long enough; a tick is possible from `allowedAt`
    ///         (seconds).
    error TickTooEarly(uint256 allowedAt);

    /// @notice There is no item of this index yet.
    error NoSuchItem(uint256 index);

    /// @notice An item was appended; the L1 fields of its accumulator are those of this block.
    event ItemAppended(
        uint256 indexed index, uint8 indexed kind, address indexed sender, bytes32 acc, bytes data
    );

    /// @notice Bytes of a batch as posted, at the most (docs/chain-rules.md).
    uint256 public constant BATCH_SIZE_MAX = 81_920;

    /// @notice Bytes of a forced transaction, and of the data inside a deposit, at the most.
    uint256 public constant TRANSACTION_SIZE_MAX = 65_536;

    /// @notice Bytes that the ABI encoding of a deposit adds to the data inside: 7 words.
    uint256 private constant DEPOSIT_OVERHEAD = 224;

    /// @notice Who may append batches.
    address public immutable sequencer;

    /// @notice Who may append deposits.
    address public immutable portal;

    /// @notice How long the sequencer may be silent, or leave a deposit out, in seconds.
    uint256 public immutable window;

    /// @dev Slot 0, read by proofs against this contract's storage.
    bytes32[] private _accs;

    /// @notice How many deposits and forced transactions there are.
    uint64 public deposits;

    /// @notice When the last batch was appended, or item 0 while there is none, in seconds.
    uint64 public lastBatchTime;

    /// @notice Appends item 0, a tick: the origin of L2's genesis block.
    /// @param  sequencer_ Who may append batches.
    /// @param  portal_    Who may append deposits.
    /// @param  window_    How long the sequencer may be silent, in seconds.
    constructor(address sequencer_, address portal_, uint256 window_) {
        sequencer = sequencer_;
        portal = portal_;
        window = window_;
        lastBatchTime = uint64(block.timestamp);
        _append(Kind.Tick, msg.sender, "");
    }

    /*//////////////////////////////////////////////////////////////////////////
                                      APPENDING
    //////////////////////////////////////////////////////////////////////////*/

    /// @notice Appends a batch, whatever is in it: what can't be decoded makes an empty L2 block.
    /// @dev    Reverts with OnlySequencer, DataEmpty or DataTooLarge.
    /// @return index The batch's index.
    function appendBatch(bytes calldata data) external returns (uint256 index) {
        return _appendBatch(data);
    }

    /// @notice Appends a batch if it gets the index `expectedIndex`, and reverts with IndexMoved if it
    ///         wouldn't. Reverts also like appendBatch.
    function appendBatchAt(bytes calldata data, uint256 expectedIndex)
        external
        returns (uint256 index)
    {
        if (_accs.length != expectedIndex) revert IndexMoved(expectedIndex, _accs.length);
        return _appendBatch(data);
    }

    /// @notice Appends a deposit of `from`, an L2 address. Only the Portal, which checks the contents.
    /// @dev    Reverts with OnlyPortal or DataTooLarge.
    /// @param  data The deposit's ABI encoding: mint, value, gasLimit, isCreation, to, data.
    function appendDeposit(address from, bytes calldata data) external returns (uint256 index) {
        if (msg.sender != portal) revert OnlyPortal(msg.sender);
        _requireSize(data.length, TRANSACTION_SIZE_MAX + DEPOSIT_OVERHEAD);
        deposits++;
        return _append(Kind.Deposit, from, data);
    }

    /// @notice Appends a signed L2 transaction that the sequencer may not leave out for longer than
    ///         the window. Anyone may; what isn't a valid L2 transaction is skipped on L2.
    /// @dev    Reverts with DataEmpty or DataTooLarge.
    /// @param  rawSignedL2Tx The transaction's EIP-2718 envelope.
    function forceTransaction(bytes calldata rawSignedL2Tx) external returns (uint256 index) {
        _requireSize(rawSignedL2Tx.length, TRANSACTION_SIZE_MAX);
        deposits++;
        return _append(Kind.Forced, msg.sender, rawSignedL2Tx);
    }

    /// @notice Makes L2 move on without the sequencer, once it has been silent for the window. Anyone
    ///         may. Reverts with TickTooEarly.
    function tick() external returns (uint256 index) {
        uint256 allowedAt = lastBatchTime + window;
        if (block.timestamp < allowedAt) revert TickTooEarly(allowedAt);
        return _append(Kind.Tick, msg.sender, "");
    }

    /*//////////////////////////////////////////////////////////////////////////
                                       READING
    //////////////////////////////////////////////////////////////////////////*/

    /// @notice How many items there are.
    function count() external view returns (uint256) {
        return _accs.length;
    }

    /// @notice The accumulator up to and with item `index`. Reverts with NoSuchItem.
    function acc(uint256 index) external view returns (bytes32) {
        if (index >= _accs.length) revert NoSuchItem(index);
        return _accs[index];
    }

    /*//////////////////////////////////////////////////////////////////////////
                                      INTERNALS
    //////////////////////////////////////////////////////////////////////////*/

    function _appendBatch(bytes calldata data) private returns (uint256 index) {
        if (msg.sender != sequencer) revert OnlySequencer(msg.sender);
        _requireSize(data.length, BATCH_SIZE_MAX);
        lastBatchTime = uint64(block.timestamp);
        return _append(Kind.Batch, msg.sender, data);
    }

    function _requireSize(uint256 size, uint256 limit) private pure {
        if (size == 0) revert DataEmpty();
        if (size > limit) revert DataTooLarge(size, limit);
    }

    function _append(Kind kind, address sender, bytes memory data) private returns (uint256 index) {
        index = _accs.length;
        bytes32 previous = index == 0 ? bytes32(0) : _accs[index - 1];
        bytes32 next = keccak256(
            abi.encode(
                previous,
                uint8(kind),
                index,
                uint256(deposits),
                sender,
                keccak256(data),
                data.length,
                block.number,
                block.timestamp,
                block.basefee,
                block.prevrandao,
                blockhash(block.number - 1)
            )
        );
        _accs.push(next);
        emit ItemAppended(index, uint8(kind), sender, next, data);
    }
}
