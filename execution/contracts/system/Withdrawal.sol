// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A message from L2 to L1.
/// @param nonce    Counts the messages of the chain.
/// @param sender   Who sent it on L2.
/// @param target   Who is called on L1.
/// @param value    Wei that go with the call.
/// @param gasLimit Gas that the call gets at the least.
/// @param data     Calldata of the call.
struct Withdrawal {
    uint256 nonce;
    address sender;
    address target;
    uint256 value;
    uint256 gasLimit;
    bytes data;
}

/// @title  The identity of a withdrawal, alike on both layers
library WithdrawalHash {
    /// @notice keccak256 of the ABI encoding of the six fields.
    function compute(Withdrawal memory withdrawal) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                withdrawal.nonce,
                withdrawal.sender,
                withdrawal.target,
                withdrawal.value,
                withdrawal.gasLimit,
                withdrawal.data
            )
        );
    }
}
