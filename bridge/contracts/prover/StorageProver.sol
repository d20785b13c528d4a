// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOneStepProver, StepContext} from "../interfaces/IOneStepProver.sol";
import {AccountLeaf, Accounts} from "./libraries/Accounts.sol";
import {Bulk, SlotOperation} from "./libraries/Bulk.sol";
import {Frame, Frames} from "./libraries/Frames.sol";
import {Instructions} from "./libraries/Instructions.sol";
import {Journal} from "./libraries/Journal.sol";
import {Machine, Machines, Status} from "./libraries/Machines.sol";
import {Stacks} from "./libraries/Stacks.sol";
import {Transactions} from "./libraries/Transactions.sol";
import {Path} from "./libraries/TrieEdit.sol";
import {TrieNumbers} from "./libraries/TrieNumbers.sol";
import {Reader, Witness} from "./libraries/Witness.sol";

/// @title  Storage, lasting and transient
/// @notice SLOAD, SSTORE, TLOAD, TSTORE (EIP-1153, 2200, 2929, 3529). A slot's access is in the journal, its
///         value two paths away and its original value two more: SLOAD takes two steps and SSTORE three.
contract StorageProver is IOneStepProver {
    using Frames for Frame;
    using Stacks for Frame;

    uint256 private constant SLOAD = 0x54;
    uint256 private constant SSTORE = 0x55;
    uint256 private constant TLOAD = 0x5c;
    uint256 private constant TSTORE = 0x5d;

    /// @dev EIP-2929.
    uint256 private constant COLD_SLOT_GAS = 2100;
    uint256 private constant WARM_GAS = 100;

    /// @dev SSTORE fails with this much gas or less (EIP-2200).
    uint256 private constant SENTRY_GAS = 2300;

    /// @dev EIP-2929, EIP-3529.
    uint256 private constant SET_GAS = 20_000;
    uint256 private constant RESET_GAS = 2900;
    uint256 private constant CLEAR_REFUND = 4800;

    /// @inheritdoc IOneStepProver
    function step(bytes32 preState, StepContext calldata, bytes calldata witness)
        external
        pure
        returns (bytes32)
    {
        Reader memory r = Witness.reader(witness);
        Machine memory m = Machines.open(preState, r);
        Frame memory f = Frames.open(m.frame, r);
        bool succeeded = true;
        if (m.status == Status.RUN) succeeded = _run(m, f, r);
        else if (m.status == Status.SLOAD) _finishSload(m, f, r);
        else if (m.status == Status.SSTORE_READ) _readOriginal(m, f, r);
        else if (m.status == Status.SSTORE_WRITE) succeeded = _finishSstore(m, f, r);
        else revert Machines.NotMyStatus(m.status);
        return Instructions.close(succeeded, m, f, r);
    }

    /*//////////////////////////////////////////////////////////////////////////
                                    INSTRUCTIONS
    //////////////////////////////////////////////////////////////////////////*/

    function _run(Machine memory m, Frame memory f, Reader memory r) private pure returns (bool) {
        uint256 opcode = Instructions.opcodeAt(f, r);
        if (opcode == SLOAD) return _sload(m, f, r);
        if (opcode == SSTORE) return _sstore(m, f, r);
        if (opcode == TLOAD) return _tload(m, f, r);
        if (opcode == TSTORE) return _tstore(m, f, r);
        revert Instructions.NotMyOpcode(opcode);
    }

    function _sload(Machine memory m, Frame memory f, Reader memory r) private pure returns (bool) {
        if (!Instructions.begin(f, 1, 1, 0)) return false;
        uint256 slot = f.pop(r);
        if (!f.charge(_warm(m, f, slot, r) ? COLD_SLOT_GAS : WARM_GAS)) return false;
        m.bulk = Bulk.hash(SlotOperation(slot, 0, 0, 0));
        m.status = Status.SLOAD;
        return true;
    }

    /// @dev The price depends on two more values, and is paid when both are read.
    function _sstore(Machine memory m, Frame memory f, Reader memory r)
        private
        pure
        returns (bool)
    {
        if (!Instructions.begin(f, 2, 0, 0)) return false;
        if (f.isStatic == 1 || f.gas <= SENTRY_GAS) return false;
        uint256[] memory items = f.pop(2, r);
        uint256 cold = _warm(m, f, items[0], r) ? 1 : 0;
        m.bulk = Bulk.hash(SlotOperation(items[0], items[1], cold, 0));
        m.status = Status.SSTORE_READ;
        return true;
    }

    function _tload(Machine memory m, Frame memory f, Reader memory r) private pure returns (bool) {
        if (!Instructions.begin(f, 1, 1, WARM_GAS)) return false;
        uint256 slot = f.pop(r);
        (, uint256 value) = Journal.openTransient(m.journalRoot, _self(f), slot, r);
        f.push(value);
        return true;
    }

    function _tstore(Machine memory m, Frame memory f, Reader memory r)
        private
        pure
        returns (bool)
    {
        if (!Instructions.begin(f, 2, 0, WARM_GAS)) return false;
        if (f.isStatic == 1) return false;
        uint256[] memory items = f.pop(2, r);
        (Path memory path,) = Journal.openTransient(m.journalRoot, _self(f), items[0], r);
        m.journalRoot = Journal.close(path, r, items[1]);
        return true;
    }

    /// @dev Warms a slot of the frame's; whether it was cold.
    function _warm(Machine memory m, Frame memory f, uint256 slot, Reader memory r)
        private
        pure
        returns (bool wasCold)
    {
        (Path memory path, uint256 warm) = Journal.openSlot(m.journalRoot, _self(f), slot, r);
        m.journalRoot = Journal.close(path, r, 1);
        return warm == 0;
    }

    /*//////////////////////////////////////////////////////////////////////////
                                  STEPS THAT FOLLOW
    //////////////////////////////////////////////////////////////////////////*/

    /// @dev SLOAD: the value.
    function _finishSload(Machine memory m, Frame memory f, Reader memory r) private pure {
        SlotOperation memory operation = Bulk.openSlot(m.bulk, r);
        f.push(_read(m.stateRoot, f, operation.slot, r));
        m.bulk = 0;
        m.status = Status.RUN;
    }

    /// @dev SSTORE_READ: what the slot held before the transaction.
    function _readOriginal(Machine memory m, Frame memory f, Reader memory r) private pure {
        SlotOperation memory operation = Bulk.openSlot(m.bulk, r);
        bytes32 startRoot = Transactions.open(m.transaction, r).startRoot;
        operation.original = _read(startRoot, f, operation.slot, r);
        m.bulk = Bulk.hash(operation);
        m.status = Status.SSTORE_WRITE;
    }

    /// @dev SSTORE_WRITE: price, refund, and the write.
    function _finishSstore(Machine memory m, Frame memory f, Reader memory r)
        private
        pure
        returns (bool)
    {
        SlotOperation memory operation = Bulk.openSlot(m.bulk, r);
        (Path memory path, AccountLeaf memory leaf,) = Accounts.open(m.stateRoot, _self(f), r);
        (Path memory slotPath, uint256 current) =
            TrieNumbers.openSlot(leaf.storageRoot, operation.slot, r);
        (uint256 gas, uint256 plus, uint256 minus) =
            _price(operation.original, current, operation.value);
        if (!f.charge(gas + operation.cold * COLD_SLOT_GAS)) return false;
        // What is taken back was given before: the sum over a transaction is never negative (EIP-3529).
        m.refund = m.refund + plus - minus;
        if (operation.value != current) {
            leaf.storageRoot = TrieNumbers.close(slotPath, r, operation.value);
            m.stateRoot = Accounts.close(path, r, leaf);
        }
        m.bulk = 0;
        m.status = Status.RUN;
        return true;
    }

    /// @dev Gas without the cold surcharge, and what is added to the refund and taken from it (EIP-2200, 3529).
    function _price(uint256 original, uint256 current, uint256 value)
        private
        pure
        returns (uint256 gas, uint256 plus, uint256 minus)
    {
        if (value == current) return (WARM_GAS, 0, 0);
        if (current == original) {
            if (original == 0) return (SET_GAS, 0, 0);
            return (RESET_GAS, value == 0 ? CLEAR_REFUND : 0, 0);
        }
        if (original != 0 && current == 0) minus = CLEAR_REFUND;
        else if (original != 0 && value == 0) plus = CLEAR_REFUND;
        if (value == original) plus += (original == 0 ? SET_GAS : RESET_GAS) - WARM_GAS;
        return (WARM_GAS, plus, minus);
    }

    /// @dev A slot of the frame's account in the state with this root.
    function _read(bytes32 stateRoot, Frame memory f, uint256 slot, Reader memory r)
        private
        pure
        returns (uint256 value)
    {
        (, AccountLeaf memory leaf,) = Accounts.open(stateRoot, _self(f), r);
        (, value) = TrieNumbers.openSlot(leaf.storageRoot, slot, r);
    }

    function _self(Frame memory f) private pure returns (address) {
        return address(uint160(f.self));
    }
}
