// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOneStepProver, StepContext} from "../interfaces/IOneStepProver.sol";
import {AccountLeaf, Accounts} from "./libraries/Accounts.sol";
import {Block, Blocks} from "./libraries/Blocks.sol";
import {Creations} from "./libraries/Creations.sol";
import {Envelopes} from "./libraries/Envelopes.sol";
import {Machine, Machines, Outcome, Status} from "./libraries/Machines.sol";
import {Phases} from "./libraries/Phases.sol";
import {Transactions, Tx} from "./libraries/Transactions.sol";
import {Path} from "./libraries/TrieEdit.sol";
import {Reader} from "./libraries/Witness.sol";

/// @title  Before and after a transaction runs: gas is bought and settled
/// @notice Statuses BUY and SETTLE (docs/chain-rules.md, "Transactions"; EIP-1559, 2681, 3529, 3607).
contract PaymentProver is IOneStepProver {
    /// @dev EIP-3529: at most a fifth of the gas used is refunded.
    uint256 private constant REFUND_QUOTIENT = 5;

    /// @dev EIP-3860.
    uint256 private constant INITCODE_BYTES_MAX = 49_152;

    /// @inheritdoc IOneStepProver
    function step(bytes32 preState, StepContext calldata, bytes calldata witness)
        external
        pure
        returns (bytes32)
    {
        (Machine memory m, Reader memory r) = Phases.open(preState, witness);
        if (m.status != Status.BUY && m.status != Status.SETTLE) {
            revert Machines.NotMyStatus(m.status);
        }
        Tx memory t = Transactions.open(m.transaction, r);
        Block memory b = Blocks.open(m.blockHash, r);
        if (m.status == Status.BUY) _buy(m, t, b, r);
        else _settle(m, t, b, r);
        return Machines.close(m, r);
    }

    /*//////////////////////////////////////////////////////////////////////////
                                        BUY
    //////////////////////////////////////////////////////////////////////////*/

    /// @dev Only the block's gas can stop a deposit, and before that is asked no account is read.
    function _buy(Machine memory m, Tx memory t, Block memory b, Reader memory r) private pure {
        if (t.gasLimit > b.gasLimit - b.gasUsed) {
            m.status = Status.UNFIT;
            return;
        }
        address sender = address(uint160(t.sender));
        (Path memory path, AccountLeaf memory leaf,) = Accounts.open(m.stateRoot, sender, r);
        if (t.txType != Envelopes.DEPOSIT && !_mayPay(t, leaf, b.baseFee)) {
            Phases.forget(m);
            return;
        }
        if (t.isCreation == 1) {
            t.recipient = uint160(Creations.addressOf(sender, leaf.nonce));
        }
        leaf.nonce += 1;
        leaf.balance = leaf.balance + t.mint - t.gasLimit * t.price;
        m.stateRoot = Accounts.close(path, r, leaf);
        _start(m, t, leaf.balance);
        m.transaction = Transactions.hash(t);
    }

    /// @dev Nonce, EIP-3607, fee cap, and the most that the transaction can cost. None of it can overflow: the
    ///      division says so before anything is multiplied.
    function _mayPay(Tx memory t, AccountLeaf memory sender, uint256 baseFee)
        private
        pure
        returns (bool)
    {
        if (t.nonce != sender.nonce || sender.codeHash != Accounts.EMPTY_CODE_HASH) return false;
        if (t.feeCap < baseFee || t.value > sender.balance) return false;
        return t.feeCap <= (sender.balance - t.value) / t.gasLimit;
    }

    /// @dev Sets the gas to run with. A deposit that can't even start has used its whole gas limit.
    function _start(Machine memory m, Tx memory t, uint256 balance) private pure {
        bool canStart = t.gasLimit >= t.intrinsic && balance >= t.value
            && (t.isCreation == 0 || t.calldataLength <= INITCODE_BYTES_MAX);
        if (t.txType == Envelopes.DEPOSIT && !canStart) {
            t.gas = 0;
            t.outcome = Outcome.FAILURE;
            m.status = Status.SETTLE;
        } else {
            t.gas = t.gasLimit - t.intrinsic;
            m.status = Status.WARM;
        }
    }

    /*//////////////////////////////////////////////////////////////////////////
                                        SETTLE
    //////////////////////////////////////////////////////////////////////////*/

    /// @dev Refunds, gives back unused gas, pays the coinbase. For a deposit nothing was paid.
    function _settle(Machine memory m, Tx memory t, Block memory b, Reader memory r) private pure {
        uint256 used = t.gasLimit - t.gas;
        uint256 most = used / REFUND_QUOTIENT;
        used -= m.refund < most ? m.refund : most;
        t.gas = t.gasLimit - used;
        if (t.txType != Envelopes.DEPOSIT) {
            _credit(m, t.sender, t.gas * t.price, r);
            _credit(m, b.coinbase, used * t.tip, r);
        }
        m.transaction = Transactions.hash(t);
        m.status = Status.DESTRUCT;
    }

    /// @dev Adds to a balance. An account that is empty even so has no leaf (EIP-161).
    function _credit(Machine memory m, uint256 account, uint256 amount, Reader memory r)
        private
        pure
    {
        (Path memory path, AccountLeaf memory leaf,) =
            Accounts.open(m.stateRoot, address(uint160(account)), r);
        leaf.balance += amount;
        m.stateRoot = Accounts.close(path, r, leaf);
    }
}
