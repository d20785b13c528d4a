// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Withdrawal, WithdrawalHash} from "./Withdrawal.sol";

/// @title  L2ToL1MessagePasser
/// @notice Records messages to L1, each as one storage slot that a Merkle proof on L1 shows. Ether
///         that goes with a message stays here for good and is paid out of the Portal's escrow.
contract L2ToL1MessagePasser {
    /// @notice The message has more data than one finalization on L1 could carry.
    error DataTooLarge(uint256 size, uint256 limit);

    /// @notice The message asks for more gas than one transaction on L1 could give.
    error GasLimitTooHigh(uint256 gasLimit, uint256 limit);

    /// @notice A message was recorded.
    event MessagePassed(
        uint256 indexed nonce,
        address indexed sender,
        address indexed target,
        uint256 value,
        uint256 gasLimit,
        bytes data,
        bytes32 withdrawalHash
    );

    /// @notice Bytes of calldata that a message may carry: half of what a transaction may log.
    uint256 public constant DATA_SIZE_MAX = 32_768;

    /// @notice Gas that a message may ask for: half of what an L1 transaction may use (EIP-7825), so
    ///         that finalization always has room for its own work and for the 63/64 rule.
    uint256 public constant GAS_LIMIT_MAX = 8_000_000;

    /// @notice Which withdrawal hashes were recorded. Slot 0: the Portal proves
    ///         `keccak256(hash . 0)` in this contract's storage.
    mapping(bytes32 withdrawalHash => bool sent) public sentMessages;

    /// @notice How many messages were recorded; the nonce of the next.
    uint256 public messageNonce;

    /// @notice Sends a message to L1, together with `msg.value` wei.
    /// @dev    Reverts with DataTooLarge or GasLimitTooHigh rather than record what L1 can't finalize.
    /// @param  target   Who is called on L1.
    /// @param  gasLimit Gas that the call gets at the least.
    /// @param  data     Calldata of the call.
    function initiateWithdrawal(address target, uint256 gasLimit, bytes calldata data)
        external
        payable
    {
        if (data.length > DATA_SIZE_MAX) revert DataTooLarge(data.length, DATA_SIZE_MAX);
        if (gasLimit > GAS_LIMIT_MAX) revert GasLimitTooHigh(gasLimit, GAS_LIMIT_MAX);
        uint256 nonce = messageNonce++;
        bytes32 withdrawalHash = WithdrawalHash.compute(
            Withdrawal(nonce, msg.sender, target, msg.value, gasLimit, data)
        );
        sentMessages[withdrawalHash] = true;
        emit MessagePassed(nonce, msg.sender, target, msg.value, gasLimit, data, withdrawalHash);
    }
}
