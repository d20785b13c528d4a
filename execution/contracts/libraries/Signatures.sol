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
    /// @dev The precompile is called with memory that is forgotten: a batch has hundreds of these, and
    /// what memory costs grows with its square.
    function recover(bytes32 digest, bytes32 r, bytes32 vs)
        internal
        view
        returns (address signer)
    {
        uint256 s = (uint256(vs) << 1) >> 1;
        if (s > S_MAX) return address(0);
        uint256 v = (uint256(vs) >> 255) + 27;
        assembly ("memory-safe") {
            let input := mload(0x40)
            mstore(input, digest)
            mstore(add(input, 32), v)
            mstore(add(input, 64), r)
            mstore(add(input, 96), s)
            // Nothing comes back for a signature that nobody made, so that zero has to be there. The
            // call itself fails only without gas, and then there is no answer at all.
            mstore(0, 0)
            if iszero(staticcall(gas(), 1, input, 128, 0, 32)) { revert(0, 0) }
            signer := mload(0)
        }
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
