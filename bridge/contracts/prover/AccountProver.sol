// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOneStepProver, StepContext} from "../interfaces/IOneStepProver.sol";
import {Accesses} from "./libraries/Accesses.sol";
import {AccountLeaf, Accounts} from "./libraries/Accounts.sol";
import {Bulk, CodeCopyOperation, CodeSizeOperation, CopyOperation} from "./libraries/Bulk.sol";
import {Codes} from "./libraries/Codes.sol";
import {Frame, Frames} from "./libraries/Frames.sol";
import {Instructions} from "./libraries/Instructions.sol";
import {Machine, Machines, Status} from "./libraries/Machines.sol";
import {Stacks} from "./libraries/Stacks.sol";
import {Reader, Witness} from "./libraries/Witness.sol";
import {Words} from "./libraries/Words.sol";
import {WordTree} from "./libraries/WordTree.sol";

/// @title  Accounts and codes
/// @notice BALANCE, SELFBALANCE, EXTCODEHASH, EXTCODESIZE, EXTCODECOPY (Yellow Paper, appendix H.2; EIP-1052,
///         2929), and the statuses that open a code by its hash: LOAD, EXTCODESIZE, EXTCODECOPY.
contract AccountProver is IOneStepProver {
    using Frames for Frame;
    using Stacks for Frame;

    uint256 private constant BALANCE = 0x31;
    uint256 private constant EXTCODESIZE = 0x3b;
    uint256 private constant EXTCODECOPY = 0x3c;
    uint256 private constant EXTCODEHASH = 0x3f;
    uint256 private constant SELFBALANCE = 0x47;

    uint256 private constant SELFBALANCE_GAS = 5;
    uint256 private constant COPY_WORD_GAS = 3;

    /// @inheritdoc IOneStepProver
    function step(bytes32 preState, StepContext calldata, bytes calldata witness)
        external
        pure
        returns (bytes32)
    {
        Reader memory r = Witness.reader(witness);
        Machine memory m = Machines.open(preState, r);
        Frame memory f = Frames.open(m.frame, r);
        if (m.status == Status.RUN) return Instructions.close(_run(m, f, r), m, f, r);
        if (m.status == Status.LOAD) _load(m, f, r);
        else if (m.status == Status.EXTCODESIZE) _finishSize(m, f, r);
        else if (m.status == Status.EXTCODECOPY) _openCode(m, r);
        else revert Machines.NotMyStatus(m.status);
        return Frames.close(m, f, r);
    }

    /*//////////////////////////////////////////////////////////////////////////
                                    INSTRUCTIONS
    //////////////////////////////////////////////////////////////////////////*/

    function _run(Machine memory m, Frame memory f, Reader memory r) private pure returns (bool) {
        uint256 opcode = Instructions.opcodeAt(f, r);
        if (opcode == BALANCE || opcode == EXTCODEHASH || opcode == EXTCODESIZE) {
            return _ask(m, f, r, opcode);
        }
        if (opcode == EXTCODECOPY) return _copy(m, f, r);
        if (opcode != SELFBALANCE) revert Instructions.NotMyOpcode(opcode);
        if (!Instructions.begin(f, 0, 1, SELFBALANCE_GAS)) return false;
        f.push(_account(m, address(uint160(f.self)), r).balance);
        return true;
    }

    /// @dev What is asked of an account; its code's size takes another step, which opens the code.
    function _ask(Machine memory m, Frame memory f, Reader memory r, uint256 opcode)
        private
        pure
        returns (bool)
    {
        if (!Instructions.begin(f, 1, 1, 0)) return false;
        address account = address(uint160(f.pop(r)));
        if (!Accesses.pay(m, f, account, r)) return false;
        AccountLeaf memory leaf = _account(m, account, r);
        if (opcode == BALANCE) {
            f.push(leaf.balance);
        } else if (opcode == EXTCODEHASH) {
            f.push(Accounts.isEmpty(leaf) ? 0 : uint256(leaf.codeHash));
        } else {
            m.bulk = Bulk.hash(CodeSizeOperation(leaf.codeHash));
            m.status = Status.EXTCODESIZE;
        }
        return true;
    }

    /// @dev EXTCODECOPY: access and price here; then the code is opened, and copied as any view.
    function _copy(Machine memory m, Frame memory f, Reader memory r) private pure returns (bool) {
        if (!Instructions.begin(f, 4, 0, 0)) return false;
        uint256[] memory items = f.pop(4, r);
        address account = address(uint160(items[0]));
        uint256 size = items[3];
        if (!Instructions.reach(f, items[1], size)) return false;
        // A size that could be reached is at most 2^32.
        if (!f.charge(COPY_WORD_GAS * Words.wordsOf(size))) return false;
        if (!Accesses.pay(m, f, account, r)) return false;
        if (size == 0) return true;
        bytes32 codeHash = _account(m, account, r).codeHash;
        m.bulk = Bulk.hash(CodeCopyOperation(codeHash, items[1], items[2], size));
        m.status = Status.EXTCODECOPY;
        return true;
    }

    function _account(Machine memory m, address account, Reader memory r)
        private
        pure
        returns (AccountLeaf memory leaf)
    {
        (, leaf,) = Accounts.open(m.stateRoot, account, r);
    }

    /*//////////////////////////////////////////////////////////////////////////
                                        CODES
    //////////////////////////////////////////////////////////////////////////*/

    /// @dev LOAD: size, root and jump map of the code; from then on it is read by path.
    function _load(Machine memory m, Frame memory f, Reader memory r) private pure {
        bytes memory code = Codes.open(f.codeHash, r);
        f.codeSize = code.length;
        f.codeRoot = WordTree.build(code);
        f.jumpRoot = WordTree.build(Codes.jumpMap(code));
        m.status = Status.RUN;
    }

    /// @dev EXTCODESIZE: the code's length.
    function _finishSize(Machine memory m, Frame memory f, Reader memory r) private pure {
        CodeSizeOperation memory operation = Bulk.openCodeSize(m.bulk, r);
        f.push(Codes.open(operation.codeHash, r).length);
        m.bulk = 0;
        m.status = Status.RUN;
    }

    /// @dev EXTCODECOPY: the code as a view to copy from. That of no code is the root over zeros.
    function _openCode(Machine memory m, Reader memory r) private pure {
        CodeCopyOperation memory o = Bulk.openCodeCopy(m.bulk, r);
        bytes memory code = Codes.open(o.codeHash, r);
        bytes32 root = WordTree.build(code);
        m.bulk = Bulk.hash(CopyOperation(root, 0, code.length, o.start, o.destination, o.size, 0));
        m.status = Status.COPY;
    }
}
