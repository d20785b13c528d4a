// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/*──────────────────────────────────────────────────────────────────────────────
│ Signatures                                                                    │
│                                                                               │
│ Who signed a digest. Only plain accounts sign: EIP-1271 is not supported.     │
──────────────────────────────────────────────────────────────────────────────*/
library Signatures {
    /// Half the order of secp256k1, EIP-2's bound of s.
    uint256 private constant S_MAX =
        0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @notice Signer of a compact signature (EIP-2098), or zero.
    function recover(bytes32 digest, bytes32 r, bytes32 vs) internal pure returns (address) {
        bytes32 s = bytes32((uint256(vs) << 1) >> 1);
        return recover(digest, uint8(uint256(vs) >> 255) + 27, r, s);
    }

    /// @notice Signer of a signature with low s, or zero.
    function recover(bytes32 digest, uint8 v, bytes32 r, bytes32 s)
        internal
        pure
        returns (address)
    {
        if (uint256(s) > S_MAX) return address(0);
        return ecrecover(digest, v, r, s);
    }
}
