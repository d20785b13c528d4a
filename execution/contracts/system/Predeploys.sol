// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title  Where the contracts that every L2 starts with live
/// @notice The same table as genesis/predeploys.py; a test compares the two.
library Predeploys {
    /// @notice Relays messages from L1.
    address internal constant L2_CROSS_DOMAIN_MESSENGER = 0x4200000000000000000000000000000000000007;

    /// @notice Holds the L1 attributes of the current block.
    address internal constant L1_BLOCK = 0x4200000000000000000000000000000000000015;

    /// @notice Records messages to L1, one storage slot a message.
    address internal constant L2_TO_L1_MESSAGE_PASSER = 0x4200000000000000000000000000000000000016;

    /// @notice The ERC-20 that margin is paid in; bridged from L1.
    address internal constant COLLATERAL_TOKEN = 0x4200000000000000000000000000000000000100;

    /// @notice The timelock.
    address internal constant GOVERNANCE = 0x4200000000000000000000000000000000000101;

    /// @notice Sends the deposit that writes the L1 attributes; nobody has its key.
    address internal constant DEPOSITOR = 0xDeaDDEaDDeAdDeAdDEAdDEaddeAddEAdDEAd0001;

    /// @notice Whether an address is in the range 0x4200…0000 to 0x4200…ffff, where system contracts
    ///         live and nobody has a key.
    function isPredeploy(address account) internal pure returns (bool) {
        return uint160(account) >> 16 == uint160(0x4200000000000000000000000000000000000000) >> 16;
    }
}
