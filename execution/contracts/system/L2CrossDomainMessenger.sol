// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AddressAlias} from "./AddressAlias.sol";

/// @title  L2CrossDomainMessenger
/// @notice Delivers messages that came from L1 through the Portal. A delivery that fails is kept and
///         may be replayed by anyone, with more gas or when the target has changed; a message is
///         delivered at most once.
contract L2CrossDomainMessenger {
    /// @notice Neither the Portal nor a message that failed before.
    error NotDeliverable(bytes32 messageHash);

    /// @notice The message was delivered before.
    error AlreadyRelayed(bytes32 messageHash);

    /// @notice The ether sent differs from the message's value, or a replay sent some. In wei.
    error ValueMismatch(uint256 sent, uint256 needed);

    /// @notice A message's call tried to relay another message.
    error Reentered();

    /// @notice There is no sender on L1 because no message is being relayed.
    error NoMessage();

    /// @notice A message was delivered.
    event RelayedMessage(bytes32 indexed messageHash);

    /// @notice A message's call failed; the message waits for a replay.
    event FailedRelayedMessage(bytes32 indexed messageHash);

    /// @notice Gas kept back from a message's call: what it takes to record its failure. One new
    ///         storage slot (22,100), an event and the way there, with room to spare.
    uint256 private constant RECORD_GAS = 40_000;

    /// @notice The L1 Portal. Written into genesis.
    address public portal;

    /// @notice Which messages were delivered.
    mapping(bytes32 messageHash => bool relayed) public successfulMessages;

    /// @notice Which messages failed at least once.
    mapping(bytes32 messageHash => bool failed) public failedMessages;

    address private transient _sender;
    bool private transient _relaying;

    /// @notice Calls `target` on behalf of `sender` on L1. First comes from the Portal; after a
    ///         failure anyone may call again.
    /// @dev    Never reverts because of the target: the Portal's ether and message would be lost.
    ///         Reverts with ValueMismatch, NotDeliverable, AlreadyRelayed or Reentered.
    /// @param  nonce  Counts the Portal's messages.
    /// @param  sender Who sent the message on L1.
    /// @param  target Who is called.
    /// @param  value  Wei that go with the call.
    /// @param  data   Calldata of the call.
    function relayMessage(
        uint256 nonce,
        address sender,
        address target,
        uint256 value,
        bytes calldata data
    ) external payable {
        if (_relaying) revert Reentered();
        bytes32 messageHash = hashMessage(nonce, sender, target, value, data);
        if (successfulMessages[messageHash]) revert AlreadyRelayed(messageHash);
        bool fromPortal = msg.sender == AddressAlias.toL2(portal);
        if (!fromPortal && !failedMessages[messageHash]) revert NotDeliverable(messageHash);
        uint256 needed = fromPortal ? value : 0;
        if (msg.value != needed) revert ValueMismatch(msg.value, needed);
        _deliver(messageHash, sender, target, value, data);
    }

    /// @notice Who sent the message that is being relayed, on L1. Reverts with NoMessage outside.
    function xDomainMessageSender() external view returns (address) {
        if (!_relaying) revert NoMessage();
        return _sender;
    }

    /// @notice The identity of a message: keccak256 of the ABI encoding of its fields.
    function hashMessage(
        uint256 nonce,
        address sender,
        address target,
        uint256 value,
        bytes calldata data
    ) public pure returns (bytes32) {
        return keccak256(abi.encode(nonce, sender, target, value, data));
    }

    /// @dev The mark is set before the call and taken back after a failure, so that no reentrant
    ///      path finds the message undelivered.
    function _deliver(
        bytes32 messageHash,
        address sender,
        address target,
        uint256 value,
        bytes calldata data
    ) private {
        successfulMessages[messageHash] = true;
        _relaying = true;
        _sender = sender;
        bool success = _call(target, value, data);
        _relaying = false;
        _sender = address(0);
        if (success) {
            emit RelayedMessage(messageHash);
        } else {
            successfulMessages[messageHash] = false;
            failedMessages[messageHash] = true;
            emit FailedRelayedMessage(messageHash);
        }
    }

    /// @dev Copies none of the target's answer, which could be long enough to eat RECORD_GAS.
    function _call(address target, uint256 value, bytes memory data) private returns (bool success) {
        uint256 left = gasleft();
        if (left <= RECORD_GAS) return false;
        uint256 gasForCall = left - RECORD_GAS;
        assembly ("memory-safe") {
            success := call(gasForCall, target, value, add(data, 0x20), mload(data), 0, 0)
        }
    }
}
