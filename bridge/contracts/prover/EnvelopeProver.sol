// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOneStepProver, StepContext} from "../interfaces/IOneStepProver.sol";
import {AccessLists} from "./libraries/AccessLists.sol";
import {Block, Blocks} from "./libraries/Blocks.sol";
import {EnvelopeParts, Envelopes} from "./libraries/Envelopes.sol";
import {IntrinsicGas} from "./libraries/IntrinsicGas.sol";
import {Machine, Machines, Status} from "./libraries/Machines.sol";
import {Phases} from "./libraries/Phases.sol";
import {PendingTx, Transactions, Tx} from "./libraries/Transactions.sol";
import {Reader, Witness} from "./libraries/Witness.sol";
import {WordTree} from "./libraries/WordTree.sol";

/// @title  From an envelope to a transaction
/// @notice Status VALIDATE: decodes what the block offers, recovers the sender, checks what needs no state
///         (docs/chain-rules.md, "Transactions"), and builds calldata's tree and the access list. Whatever the
///         bytes, one of two things follows: BUY, or NEXT with the transaction forgotten.
contract EnvelopeProver is IOneStepProver {
    using Witness for Reader;

    /// @notice The bytes in the witness aren't the pending envelope.
    error WrongEnvelope(bytes32 expected, bytes32 actual);

    uint256 private constant TRANSACTION_BYTES_MAX = 65_536;

    /// @dev EIP-3860.
    uint256 private constant INITCODE_BYTES_MAX = 49_152;

    /// @dev EIP-2681.
    uint256 private constant NONCE_MAX = type(uint64).max - 1;

    /// @dev EIP-7825.
    uint256 private constant TRANSACTION_GAS_MAX = 1 << 24;

    /// @inheritdoc IOneStepProver
    function step(bytes32 preState, StepContext calldata, bytes calldata witness)
        external
        view
        returns (bytes32)
    {
        (Machine memory m, Reader memory r) = Phases.open(preState, witness);
        if (m.status != Status.VALIDATE) revert Machines.NotMyStatus(m.status);
        PendingTx memory pending = Transactions.openPending(m.transaction, r);
        Block memory b = Blocks.open(m.blockHash, r);
        (uint256 start, uint256 end) = _openEnvelope(pending, r);
        (bool ok, Tx memory t) = pending.isDeposit == 1 ? _deposit(start, end) : _signed(b, start, end);
        if (ok) {
            t.envelopeHash = pending.envelopeHash;
            t.envelopeLength = pending.envelopeLength;
            t.startRoot = m.stateRoot;
            m.transaction = Transactions.hash(t);
            m.status = Status.BUY;
        } else {
            Phases.forget(m);
        }
        return Machines.close(m, r);
    }

    function _openEnvelope(PendingTx memory pending, Reader memory r)
        private
        pure
        returns (uint256 start, uint256 end)
    {
        uint256 length;
        (start, length) = r.blobAt();
        end = start + length;
        bytes32 actual = keccak256(msg.data[start:end]);
        if (actual != pending.envelopeHash || length != pending.envelopeLength) {
            revert WrongEnvelope(pending.envelopeHash, actual);
        }
    }

    /// @dev L1 vouches for a deposit: it has no price, and nothing of it is refused here that decodes.
    function _deposit(uint256 start, uint256 end) private pure returns (bool ok, Tx memory t) {
        EnvelopeParts memory parts;
        (ok, t, parts) = Envelopes.decodeDeposit(start, end);
        if (ok) _setData(t, parts);
    }

    /// @dev Which check refuses can't be seen afterwards, so that the cheap ones come first.
    function _signed(Block memory b, uint256 start, uint256 end)
        private
        view
        returns (bool ok, Tx memory t)
    {
        if (end - start > TRANSACTION_BYTES_MAX) return (false, t);
        EnvelopeParts memory parts;
        (ok, t, parts) = Envelopes.decode(start, end, b.chainId);
        if (!ok || !_isWithinBounds(t, parts)) return (false, t);
        uint256 accessGas;
        (ok, t.accesses, accessGas) = AccessLists.build(parts.accessesStart, parts.accessesEnd);
        if (!ok) return (false, t);
        _setData(t, parts);
        t.intrinsic += accessGas;
        if (t.gasLimit < t.intrinsic) return (false, t);
        _setPrice(t, b.baseFee);
    }

    function _isWithinBounds(Tx memory t, EnvelopeParts memory parts) private pure returns (bool) {
        if (t.isCreation == 1 && parts.dataEnd - parts.dataStart > INITCODE_BYTES_MAX) return false;
        return t.nonce <= NONCE_MAX && t.tip <= t.feeCap && t.gasLimit <= TRANSACTION_GAS_MAX;
    }

    function _setData(Tx memory t, EnvelopeParts memory parts) private pure {
        bytes memory data = msg.data[parts.dataStart:parts.dataEnd];
        t.calldataRoot = WordTree.build(data);
        t.calldataLength = data.length;
        t.intrinsic = IntrinsicGas.price(data, t.isCreation == 1);
        if (t.isCreation == 1) t.initcodeHash = keccak256(data);
    }

    /// @dev EIP-1559: the effective price, and what of it goes to the coinbase. A fee cap below the base fee is
    ///      refused in BUY. Neither subtraction can go below zero.
    function _setPrice(Tx memory t, uint256 baseFee) private pure {
        if (t.feeCap < baseFee) {
            (t.price, t.tip) = (t.feeCap, 0);
            return;
        }
        uint256 room = t.feeCap - baseFee;
        if (t.tip > room) t.tip = room;
        t.price = baseFee + t.tip;
    }
}
