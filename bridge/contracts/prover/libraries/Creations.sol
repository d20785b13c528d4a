// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Rlp} from "./Rlp.sol";

/// @title  Where contracts are created
library Creations {
    /// @dev The RLP prefix of 20 bytes.
    bytes1 private constant ADDRESS_PREFIX = 0x94;

    /// @notice The address of what `creator` makes with this nonce (Yellow Paper, section 7).
    function addressOf(address creator, uint256 nonce) internal pure returns (address) {
        bytes memory items = abi.encodePacked(ADDRESS_PREFIX, creator, Rlp.encodeNumber(nonce));
        return address(uint160(uint256(keccak256(Rlp.encodeList(items)))));
    }

    /// @notice The address of what `creator` makes by CREATE2 (EIP-1014).
    function saltedAddressOf(address creator, uint256 salt, bytes32 codeHash)
        internal
        pure
        returns (address)
    {
        bytes memory preimage = abi.encodePacked(bytes1(0xff), creator, salt, codeHash);
        return address(uint160(uint256(keccak256(preimage))));
    }
}
