// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOneStepProver, StepContext} from "../interfaces/IOneStepProver.sol";
import {Access, AccessLists} from "./libraries/AccessLists.sol";
import {Accesses} from "./libraries/Accesses.sol";
import {AccountLeaf, Accounts} from "./libraries/Accounts.sol";
import {Bulk, CallOperation, CreationOperation} from "./libraries/Bulk.sol";
import {Journal} from "./libraries/Journal.sol";
import {Machine, Machines, Status} from "./libraries/Machines.sol";
import {Phases} from "./libraries/Phases.sol";
import {Transactions, Tx} from "./libraries/Transactions.sol";
import {Path} from "./libraries/TrieEdit.sol";
import {Reader, Witness} from "./libraries/Witness.sol";
import {Words} from "./libraries/Words.sol";

/// @title  A transaction's small phases
/// @notice Statuses WARM (EIP-2930), BEGIN, and DESTRUCT (EIP-6780): one entry of a list a step.
contract PhaseProver is IOneStepProver {
    using Witness for Reader;

    /// @notice The witness doesn't open the list of contracts to delete.
    error WrongDestructs(bytes32 expected, bytes32 actual);

    bytes32 private constant DESTRUCTED_TAG = keccak256("tallystick.machine.destructed.v1");

    /// @dev A touch of it outlives a revert (EIP-161, mainnet's block 2,675,119).
    address private constant RIPEMD160 = address(3);

    /// @inheritdoc IOneStepProver
    function step(bytes32 preState, StepContext calldata, bytes calldata witness)
        external
        pure
        returns (bytes32)
    {
        (Machine memory m, Reader memory r) = Phases.open(preState, witness);
        if (m.status == Status.WARM) _warm(m, r);
        else if (m.status == Status.BEGIN) _begin(m, r);
        else if (m.status == Status.DESTRUCT) _destruct(m, r);
        else revert Machines.NotMyStatus(m.status);
        return Machines.close(m, r);
    }

    /// @dev One entry of the access list, or on when none is left.
    function _warm(Machine memory m, Reader memory r) private pure {
        Tx memory t = Transactions.open(m.transaction, r);
        if (t.accesses == 0) {
            m.status = Status.BEGIN;
            return;
        }
        Access memory access = AccessLists.open(t.accesses, r);
        address account = address(uint160(access.account));
        if (access.hasSlot == 1) {
            (Path memory path,) = Journal.openSlot(m.journalRoot, account, access.slot, r);
            m.journalRoot = Journal.close(path, r, 1);
        } else {
            Accesses.warm(m, account, r);
        }
        t.accesses = access.rest;
        m.transaction = Transactions.hash(t);
    }

    /// @dev The transaction's call or creation, with all gas that is left.
    function _begin(Machine memory m, Reader memory r) private pure {
        Tx memory t = Transactions.open(m.transaction, r);
        if (t.isCreation == 1) {
            m.bulk = Bulk.hash(
                CreationOperation(t.recipient, t.sender, t.value, t.gas, t.initcodeHash)
            );
            m.status = Status.CREATE_WARM;
        } else {
            m.bulk = Bulk.hash(_call(m, t, r));
            m.status = Status.ENTER;
        }
        t.gas = 0;
        m.transaction = Transactions.hash(t);
    }

    function _call(Machine memory m, Tx memory t, Reader memory r)
        private
        pure
        returns (CallOperation memory call)
    {
        (, AccountLeaf memory leaf,) =
            Accounts.open(m.stateRoot, address(uint160(t.recipient)), r);
        call.gas = t.gas;
        call.codeAddress = t.recipient;
        call.codeHash = leaf.codeHash;
        call.to = t.recipient;
        call.caller = t.sender;
        call.value = t.value;
        call.transfers = 1;
        call.inputRoot = t.calldataRoot;
        call.inputOffset = t.calldataOffset;
        call.inputLength = t.calldataLength;
    }

    /// @dev Deletes one contract with its storage, or goes on when none is left.
    function _destruct(Machine memory m, Reader memory r) private pure {
        if (m.destructs == 0) {
            if (Transactions.open(m.transaction, r).ripemdTouched == 1) _touch(m, r);
            m.status = Status.RECEIPT;
            return;
        }
        bytes32 rest = r.word();
        bytes32 account = r.word();
        bytes32 actual = Words.commit(DESTRUCTED_TAG, rest, account);
        if (actual != m.destructs) revert WrongDestructs(m.destructs, actual);
        (Path memory path, AccountLeaf memory leaf,) =
            Accounts.open(m.stateRoot, address(uint160(uint256(account))), r);
        (leaf.nonce, leaf.balance, leaf.codeHash) = (0, 0, Accounts.EMPTY_CODE_HASH);
        m.stateRoot = Accounts.close(path, r, leaf);
        m.destructs = rest;
    }

    /// @dev Deletes 0x03 if it is there and empty: writing what an account holds does that.
    function _touch(Machine memory m, Reader memory r) private pure {
        (Path memory path, AccountLeaf memory leaf,) = Accounts.open(m.stateRoot, RIPEMD160, r);
        m.stateRoot = Accounts.close(path, r, leaf);
    }
}
