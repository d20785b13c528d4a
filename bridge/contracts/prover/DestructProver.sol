// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOneStepProver, StepContext} from "../interfaces/IOneStepProver.sol";
import {Accesses} from "./libraries/Accesses.sol";
import {AccountLeaf, Accounts} from "./libraries/Accounts.sol";
import {Bulk, SelfdestructOperation} from "./libraries/Bulk.sol";
import {Frame, Frames} from "./libraries/Frames.sol";
import {Instructions} from "./libraries/Instructions.sol";
import {Journal} from "./libraries/Journal.sol";
import {Machine, Machines, Status} from "./libraries/Machines.sol";
import {Stacks} from "./libraries/Stacks.sol";
import {Touches} from "./libraries/Touches.sol";
import {Path} from "./libraries/TrieEdit.sol";
import {Reader, Witness} from "./libraries/Witness.sol";
import {Words} from "./libraries/Words.sol";
import {WordTree} from "./libraries/WordTree.sol";

/// @title  SELFDESTRUCT
/// @notice Sends all ether, and ends the frame; only what this transaction made goes, at its end (EIP-150, 161,
///         2929, 6780). The instruction pays for the access, the first step after it moves the ether.
contract DestructProver is IOneStepProver {
    using Frames for Frame;
    using Stacks for Frame;

    uint256 private constant SELFDESTRUCT = 0xff;

    uint256 private constant SELFDESTRUCT_GAS = 5000;
    uint256 private constant NEW_ACCOUNT_GAS = 25_000;

    bytes32 private constant DESTRUCTED_TAG = keccak256("tallystick.machine.destructed.v1");

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
        else if (m.status == Status.SELFDESTRUCT_SEND) succeeded = _send(m, f, r);
        else if (m.status == Status.SELFDESTRUCT_MARK) _mark(m, f, r);
        else revert Machines.NotMyStatus(m.status);
        return Instructions.close(succeeded, m, f, r);
    }

    function _run(Machine memory m, Frame memory f, Reader memory r) private pure returns (bool) {
        uint256 opcode = Instructions.opcodeAt(f, r);
        if (opcode != SELFDESTRUCT) revert Instructions.NotMyOpcode(opcode);
        if (!Instructions.begin(f, 1, 0, SELFDESTRUCT_GAS)) return false;
        if (f.isStatic == 1) return false;
        uint256 beneficiary = uint160(f.pop(r));
        (bool wasCold,) = Accesses.warm(m, address(uint160(beneficiary)), r);
        if (wasCold && !f.charge(Accesses.COLD_ACCOUNT_GAS)) return false;
        m.bulk = Bulk.hash(SelfdestructOperation(beneficiary));
        m.status = Status.SELFDESTRUCT_SEND;
        return true;
    }

    /// @dev SELFDESTRUCT_SEND: pays for a new account if it takes one, and sends all ether. To itself it sends
    ///      nothing, and one path is enough.
    function _send(Machine memory m, Frame memory f, Reader memory r) private pure returns (bool) {
        uint256 beneficiary = Bulk.openSelfdestruct(m.bulk, r).beneficiary;
        address to = address(uint160(beneficiary));
        (Path memory path, AccountLeaf memory leaf,) =
            Accounts.open(m.stateRoot, address(uint160(f.self)), r);
        uint256 value;
        if (beneficiary != f.self) {
            value = leaf.balance;
            leaf.balance = 0;
            if (value != 0) m.stateRoot = Accounts.close(path, r, leaf);
            (path, leaf,) = Accounts.open(m.stateRoot, to, r);
            if (value != 0 && Accounts.isEmpty(leaf) && !f.charge(NEW_ACCOUNT_GAS)) return false;
        }
        Touches.receive_(m, to, path, leaf, value, r);
        m.bulk = 0;
        m.status = Status.SELFDESTRUCT_MARK;
        return true;
    }

    /// @dev SELFDESTRUCT_MARK: what this transaction made loses what ether is left, and is put on the list.
    function _mark(Machine memory m, Frame memory f, Reader memory r) private pure {
        address self = address(uint160(f.self));
        (, uint256 flags) = Journal.openFlags(m.journalRoot, self, r);
        if (flags & Journal.CREATED != 0) {
            (Path memory path, AccountLeaf memory leaf,) = Accounts.open(m.stateRoot, self, r);
            leaf.balance = 0;
            m.stateRoot = Accounts.close(path, r, leaf);
            m.destructs = Words.commit(DESTRUCTED_TAG, m.destructs, bytes32(f.self));
        }
        Frames.halt(m, f, WordTree.EMPTY_ROOT, 0, 0);
    }
}
