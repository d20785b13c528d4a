// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Inputs} from "./Inputs.sol";
import {PendingTx} from "./Transactions.sol";
import {Views} from "./Views.sol";
import {Reader} from "./Witness.sol";

/// @title  Transactions in a decoded batch
/// @notice Each is its length in four bytes, and so many bytes: docs/derivation.md, section 3.
library Payloads {
    /// @notice No transaction is where SCAN has found one.
    error NoTransaction(uint256 position);

    uint256 internal constant LENGTH_BYTES = 4;

    /// @dev docs/derivation.md, section 4, rule 4.
    uint256 private constant TRANSACTION_BYTES_MAX = 65_536;

    /// @notice The length at `inputs.position`; false if no transaction can be there.
    function readLength(Inputs memory inputs, Reader memory r)
        internal
        pure
        returns (bool isSound, uint256 length)
    {
        (uint256 position, uint256 size) = (inputs.position, inputs.payloadSize);
        if (size < position + LENGTH_BYTES) return (false, 0);
        bytes memory field = Views.bytesAt(inputs.payloadRoot, position, LENGTH_BYTES, r);
        length = uint32(bytes4(field));
        isSound = length <= TRANSACTION_BYTES_MAX && length <= size - position - LENGTH_BYTES;
    }

    /// @notice Takes the transaction at `inputs.position`, which is a user's.
    function take(Inputs memory inputs, Reader memory r)
        internal
        pure
        returns (PendingTx memory pending)
    {
        (bool isSound, uint256 length) = readLength(inputs, r);
        if (!isSound) revert NoTransaction(inputs.position);
        uint256 start = inputs.position + LENGTH_BYTES;
        bytes memory envelope = Views.bytesAt(inputs.payloadRoot, start, length, r);
        (pending.envelopeHash, pending.envelopeLength) = (keccak256(envelope), length);
        inputs.position = start + length;
        inputs.left -= 1;
    }
}
