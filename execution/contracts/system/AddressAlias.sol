// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title  The L2 address of an L1 contract
/// @notice A contract's address on L1 may belong to somebody else on L2, so a contract that deposits
///         acts on L2 under its own address plus an offset, which nobody has a key for.
library AddressAlias {
    uint160 private constant OFFSET = uint160(0x1111000000000000000000000000000000001111);

    /// @notice The L2 address of the L1 contract `l1Contract`.
    function toL2(address l1Contract) internal pure returns (address) {
        // Unchecked because the sum is meant modulo 2^160, so that it can be undone.
        unchecked {
            return address(uint160(l1Contract) + OFFSET);
        }
    }

    /// @notice The L1 contract whose L2 address is `l2Address`.
    function toL1(address l2Address) internal pure returns (address) {
        // Unchecked for the same reason.
        unchecked {
            return address(uint160(l2Address) - OFFSET);
        }
    }
}
