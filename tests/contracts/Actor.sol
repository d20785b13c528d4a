// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title  A contract account that does what it is told
/// @notice Calls on command, optionally from its constructor; takes ether or refuses it; and when it is
///         called may call somewhere else, once a transaction, and keep what came of it.
contract Actor {
    bool public refusing;
    address public echoTarget;
    bytes public echoData;
    bool public echoSucceeded;
    bytes public echoAnswer;
    uint256 public calls;
    uint256 public gasSeen;
    address public senderSeen;
    bytes public dataSeen;
    address public l2SenderSeen;
    bool private transient _echoed;

    constructor(address target, bytes memory data) payable {
        if (target == address(0)) return;
        (bool success, bytes memory answer) = target.call{value: msg.value}(data);
        _bubble(success, answer);
    }

    function act(address target, uint256 value, bytes calldata data)
        external
        payable
        returns (bytes memory)
    {
        (bool success, bytes memory answer) = target.call{value: value}(data);
        _bubble(success, answer);
        return answer;
    }

    function refuse(bool on) external {
        refusing = on;
    }

    function echo(address target, bytes calldata data) external {
        echoTarget = target;
        echoData = data;
    }

    receive() external payable {
        _called();
    }

    fallback() external payable {
        _called();
    }

    function _called() private {
        gasSeen = gasleft();
        require(!refusing, "refused");
        ++calls;
        senderSeen = msg.sender;
        if (msg.data.length <= 1024) dataSeen = msg.data;
        (bool asked, bytes memory who) = msg.sender.staticcall(abi.encodeWithSignature("l2Sender()"));
        if (asked && who.length == 32) l2SenderSeen = abi.decode(who, (address));
        if (echoTarget != address(0) && !_echoed) {
            _echoed = true;
            (echoSucceeded, echoAnswer) = echoTarget.call(echoData);
        }
    }

    function _bubble(bool success, bytes memory answer) private pure {
        if (!success) {
            assembly ("memory-safe") {
                revert(add(answer, 0x20), mload(answer))
            }
        }
    }
}
