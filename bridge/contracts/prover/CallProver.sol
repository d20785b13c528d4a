// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOneStepProver, StepContext} from "../interfaces/IOneStepProver.sol";
import {Accesses} from "./libraries/Accesses.sol";
import {AccountLeaf, Accounts} from "./libraries/Accounts.sol";
import {Bulk, CallOperation, CopyOperation, PrecompileOperation} from "./libraries/Bulk.sol";
import {Callees} from "./libraries/Callees.sol";
import {Frame, Frames} from "./libraries/Frames.sol";
import {Instructions} from "./libraries/Instructions.sol";
import {Machine, Machines, Outcome, Status} from "./libraries/Machines.sol";
import {Stacks} from "./libraries/Stacks.sol";
import {Touches} from "./libraries/Touches.sol";
import {Transactions, Tx} from "./libraries/Transactions.sol";
import {Path} from "./libraries/TrieEdit.sol";
import {Reader, Witness} from "./libraries/Witness.sol";
import {WordTree} from "./libraries/WordTree.sol";

/// @title  Calls
/// @notice CALL, CALLCODE, DELEGATECALL, STATICCALL (EIP-150, 161, 214, 2929). The instruction pays, ENTER moves
///         the ether and makes the frame, LEAVE hands gas, result and output to the caller.
contract CallProver is IOneStepProver {
    using Frames for Frame;
    using Stacks for Frame;

    uint256 private constant CALL = 0xf1;
    uint256 private constant CALLCODE = 0xf2;
    uint256 private constant DELEGATECALL = 0xf4;
    uint256 private constant STATICCALL = 0xfa;

    /// @dev Input and output, which the topmost items of all four are followed by.
    uint256 private constant RANGE_ITEMS = 4;

    /// @dev EIP-150, EIP-161 (Yellow Paper, appendix G).
    uint256 private constant VALUE_GAS = 9000;
    uint256 private constant NEW_ACCOUNT_GAS = 25_000;
    uint256 private constant STIPEND = 2300;

    /// @inheritdoc IOneStepProver
    function step(bytes32 preState, StepContext calldata, bytes calldata witness)
        external
        pure
        returns (bytes32)
    {
        Reader memory r = Witness.reader(witness);
        Machine memory m = Machines.open(preState, r);
        if (m.status == Status.ENTER) return _enter(m, r);
        if (m.status == Status.LEAVE) return _leave(m, r);
        if (m.status != Status.RUN) revert Machines.NotMyStatus(m.status);
        Frame memory f = Frames.open(m.frame, r);
        return Instructions.close(_run(m, f, r), m, f, r);
    }

    /*//////////////////////////////////////////////////////////////////////////
                                    INSTRUCTIONS
    //////////////////////////////////////////////////////////////////////////*/

    function _run(Machine memory m, Frame memory f, Reader memory r) private pure returns (bool) {
        uint256 opcode = Instructions.opcodeAt(f, r);
        bool hasValue = opcode == CALL || opcode == CALLCODE;
        if (!hasValue && opcode != DELEGATECALL && opcode != STATICCALL) {
            revert Instructions.NotMyOpcode(opcode);
        }
        uint256 first = hasValue ? 3 : 2;
        if (!Instructions.begin(f, first + RANGE_ITEMS, 1, 0)) return false;
        uint256[] memory items = f.pop(first + RANGE_ITEMS, r);
        CallOperation memory call = _target(opcode, f, items);
        if (opcode == CALL && call.value != 0 && f.isStatic == 1) return false;
        if (!_reach(f, call, items, first)) return false;
        if (!_pay(m, f, call, items[0], r)) return false;
        m.bulk = Bulk.hash(call);
        m.status = Status.ENTER;
        return true;
    }

    /// @dev Whose code runs where, as whose call.
    function _target(uint256 opcode, Frame memory f, uint256[] memory items)
        private
        pure
        returns (CallOperation memory call)
    {
        call.codeAddress = uint160(items[1]);
        call.isStatic = f.isStatic;
        if (opcode == DELEGATECALL) {
            (call.to, call.caller, call.value) = (f.self, f.caller, f.value);
            return call;
        }
        call.to = opcode == CALLCODE ? f.self : call.codeAddress;
        call.caller = f.self;
        if (opcode == STATICCALL) call.isStatic = 1;
        else (call.transfers, call.value) = (1, items[2]);
    }

    /// @dev Pays for the memory of input and output, and notes both.
    function _reach(
        Frame memory f,
        CallOperation memory call,
        uint256[] memory items,
        uint256 first
    ) private pure returns (bool) {
        (uint256 start, uint256 size) = (items[first], items[first + 1]);
        (call.outputStart, call.outputSize) = (items[first + 2], items[first + 3]);
        if (!Instructions.reach(f, start, size)) return false;
        if (!Instructions.reach(f, call.outputStart, call.outputSize)) return false;
        call.inputRoot = WordTree.EMPTY_ROOT;
        if (size != 0) {
            (call.inputRoot, call.inputOffset, call.inputLength) = (f.memoryRoot, start, size);
        }
        return true;
    }

    /// @dev Pays for access, value and the callee's gas. What runs has code or a nonce, so that only another
    ///      account than its own can be new.
    function _pay(
        Machine memory m,
        Frame memory f,
        CallOperation memory call,
        uint256 requested,
        Reader memory r
    ) private pure returns (bool) {
        address target = address(uint160(call.codeAddress));
        if (!Accesses.pay(m, f, target, r)) return false;
        bool sends = _sends(call);
        if (sends && !f.charge(VALUE_GAS)) return false;
        (, AccountLeaf memory leaf,) = Accounts.open(m.stateRoot, target, r);
        bool isNew = sends && call.to != f.self && Accounts.isEmpty(leaf);
        if (isNew && !f.charge(NEW_ACCOUNT_GAS)) return false;
        call.codeHash = leaf.codeHash;
        uint256 most = Callees.gasFor(f);
        call.gas = requested < most ? requested : most;
        f.gas -= call.gas;
        if (sends) call.gas += STIPEND;
        return true;
    }

    function _sends(CallOperation memory call) private pure returns (bool) {
        return call.transfers == 1 && call.value != 0;
    }

    /*//////////////////////////////////////////////////////////////////////////
                                        ENTER
    //////////////////////////////////////////////////////////////////////////*/

    /// @dev Checks depth and balance, moves the ether, makes the frame. The outermost call has no caller to
    ///      refuse it: BUY has checked its value.
    function _enter(Machine memory m, Reader memory r) private pure returns (bytes32) {
        bool isOutermost = m.frame == 0;
        Frame memory caller = Callees.openCaller(m, r);
        CallOperation memory call = Bulk.openCall(m.bulk, r);
        m.bulk = 0;
        if (!isOutermost && Callees.isDeepest(caller)) return _refuse(m, caller, call, r);
        Frame memory f = Callees.make(m, caller);
        if (!_transfer(m, call, isOutermost, r)) return _refuse(m, caller, call, r);
        (f.self, f.caller, f.value) = (call.to, call.caller, call.value);
        (f.gas, f.codeHash, f.isStatic) = (call.gas, call.codeHash, call.isStatic);
        (f.inputRoot, f.inputOffset, f.inputLength) =
            (call.inputRoot, call.inputOffset, call.inputLength);
        (f.outputStart, f.outputSize) = (call.outputStart, call.outputSize);
        _start(m, f, call.codeAddress);
        return Frames.close(m, f, r);
    }

    /// @dev Moves the ether, and touches who gets it; false if the caller hasn't as much.
    function _transfer(
        Machine memory m,
        CallOperation memory call,
        bool isOutermost,
        Reader memory r
    ) private pure returns (bool) {
        bool sends = _sends(call);
        if (sends && !_send(m, call, isOutermost, r)) return false;
        address to = address(uint160(call.to));
        (Path memory path, AccountLeaf memory leaf,) = Accounts.open(m.stateRoot, to, r);
        Touches.receive_(m, to, path, leaf, sends ? call.value : 0, r);
        return true;
    }

    function _send(Machine memory m, CallOperation memory call, bool isOutermost, Reader memory r)
        private
        pure
        returns (bool)
    {
        (Path memory path, AccountLeaf memory leaf,) =
            Accounts.open(m.stateRoot, address(uint160(call.caller)), r);
        if (!isOutermost && call.value > leaf.balance) return false;
        leaf.balance -= call.value;
        m.stateRoot = Accounts.close(path, r, leaf);
        return true;
    }

    /// @dev A call that doesn't start gives its gas back.
    function _refuse(
        Machine memory m,
        Frame memory caller,
        CallOperation memory call,
        Reader memory r
    ) private pure returns (bytes32) {
        caller.gas += call.gas;
        return Callees.refuse(m, caller, r);
    }

    /// @dev How the new frame begins: a precompile, nothing to run, or code.
    function _start(Machine memory m, Frame memory f, uint256 codeAddress) private pure {
        if (Accesses.isPrecompile(codeAddress)) {
            m.bulk = Bulk.hash(PrecompileOperation(codeAddress));
            m.status = Status.PRECOMPILE;
        } else if (f.codeHash == Accounts.EMPTY_CODE_HASH) {
            Frames.halt(m, f, WordTree.EMPTY_ROOT, 0, 0);
        } else {
            m.status = Status.LOAD;
        }
    }

    /*//////////////////////////////////////////////////////////////////////////
                                        LEAVE
    //////////////////////////////////////////////////////////////////////////*/

    /// @dev Goes on in the frame that waits below, or with the transaction.
    function _leave(Machine memory m, Reader memory r) private pure returns (bytes32) {
        Frame memory f = Frames.open(m.frame, r);
        if (f.parent == 0) return _leaveTransaction(m, f, r);
        Frame memory caller = Frames.open(f.parent, r);
        caller.gas += f.gas;
        Frames.setReturn(caller, f.returnRoot, f.returnOffset, f.returnLength);
        caller.push(_result(f));
        m.status = Status.RUN;
        uint256 size = f.outputSize < f.returnLength ? f.outputSize : f.returnLength;
        if (size != 0) {
            m.status = Status.COPY;
            m.bulk = Bulk.hash(
                CopyOperation(
                    f.returnRoot, f.returnOffset, f.returnLength, 0, f.outputStart, size, 0
                )
            );
        }
        return Frames.close(m, caller, r);
    }

    /// @dev What the caller finds on its stack: whether the call went well, or the new contract's address.
    function _result(Frame memory f) private pure returns (uint256) {
        if (f.outcome != Outcome.SUCCESS) return 0;
        return f.isCreate == 1 ? f.self : 1;
    }

    function _leaveTransaction(Machine memory m, Frame memory f, Reader memory r)
        private
        pure
        returns (bytes32)
    {
        Tx memory t = Transactions.open(m.transaction, r);
        (t.gas, t.outcome) = (f.gas, f.outcome);
        m.transaction = Transactions.hash(t);
        m.frame = 0;
        m.status = Status.SETTLE;
        return Machines.close(m, r);
    }
}
