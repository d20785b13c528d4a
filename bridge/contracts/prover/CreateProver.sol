// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOneStepProver, StepContext} from "../interfaces/IOneStepProver.sol";
import {Accesses} from "./libraries/Accesses.sol";
import {AccountLeaf, Accounts} from "./libraries/Accounts.sol";
import {Bulk, CreationOperation, InitcodeOperation} from "./libraries/Bulk.sol";
import {Callees} from "./libraries/Callees.sol";
import {Creations} from "./libraries/Creations.sol";
import {Frame, Frames} from "./libraries/Frames.sol";
import {Instructions} from "./libraries/Instructions.sol";
import {Journal} from "./libraries/Journal.sol";
import {Machine, Machines, Outcome, Status} from "./libraries/Machines.sol";
import {Stacks} from "./libraries/Stacks.sol";
import {Transactions, Tx} from "./libraries/Transactions.sol";
import {Path, TrieEdit} from "./libraries/TrieEdit.sol";
import {Views} from "./libraries/Views.sol";
import {Reader, Witness} from "./libraries/Witness.sol";
import {Words} from "./libraries/Words.sol";
import {WordTree} from "./libraries/WordTree.sol";

/// @title  Creations
/// @notice CREATE, CREATE2 and what follows them (EIP-150, 161, 170, 684, 1014, 2681, 2929, 3541, 3860, 7610):
///         hash the initcode, warm the new address and look for a collision, make the frame, fund the account;
///         and at its end DEPLOY. A transaction that creates begins at the second of these.
contract CreateProver is IOneStepProver {
    using Frames for Frame;
    using Stacks for Frame;

    uint256 private constant CREATE = 0xf0;
    uint256 private constant CREATE2 = 0xf5;

    uint256 private constant CREATE_GAS = 32_000;
    uint256 private constant HASH_WORD_GAS = 6;

    /// @dev EIP-3860.
    uint256 private constant INITCODE_WORD_GAS = 2;
    uint256 private constant INITCODE_BYTES_MAX = 49_152;

    /// @dev EIP-170.
    uint256 private constant CODE_BYTES_MAX = 24_576;
    uint256 private constant CODE_BYTE_GAS = 200;

    /// @dev A nonce that no creation may go beyond (EIP-2681).
    uint256 private constant NONCE_END = type(uint64).max;

    /// @dev What no code may begin with (EIP-3541).
    bytes1 private constant RESERVED = 0xef;

    /// @inheritdoc IOneStepProver
    function step(bytes32 preState, StepContext calldata, bytes calldata witness)
        external
        pure
        returns (bytes32)
    {
        Reader memory r = Witness.reader(witness);
        Machine memory m = Machines.open(preState, r);
        if (m.status == Status.CREATE_WARM) return _warm(m, r);
        if (m.status == Status.CREATE_ENTER) return _enter(m, r);
        Frame memory f = Frames.open(m.frame, r);
        if (m.status == Status.CREATE_HASH) return _hash(m, f, r);
        if (m.status == Status.CREATE_FUND) return _fund(m, f, r);
        if (m.status == Status.DEPLOY) return Instructions.close(_deploy(m, f, r), m, f, r);
        if (m.status == Status.RUN) return Instructions.close(_run(m, f, r), m, f, r);
        revert Machines.NotMyStatus(m.status);
    }

    /*//////////////////////////////////////////////////////////////////////////
                                    INSTRUCTIONS
    //////////////////////////////////////////////////////////////////////////*/

    function _run(Machine memory m, Frame memory f, Reader memory r) private pure returns (bool) {
        uint256 opcode = Instructions.opcodeAt(f, r);
        if (opcode != CREATE && opcode != CREATE2) revert Instructions.NotMyOpcode(opcode);
        bool salted = opcode == CREATE2;
        uint256 takes = salted ? 4 : 3;
        if (!Instructions.begin(f, takes, 1, CREATE_GAS)) return false;
        if (f.isStatic == 1) return false;
        uint256[] memory items = f.pop(takes, r);
        uint256 size = items[2];
        if (size > INITCODE_BYTES_MAX) return false;
        uint256 wordGas = salted ? INITCODE_WORD_GAS + HASH_WORD_GAS : INITCODE_WORD_GAS;
        if (!f.charge(wordGas * Words.wordsOf(size))) return false;
        if (!Instructions.reach(f, items[1], size)) return false;
        Frames.setReturn(f, WordTree.EMPTY_ROOT, 0, 0);
        m.bulk = Bulk.hash(
            InitcodeOperation(items[0], items[1], size, salted ? 1 : 0, salted ? items[3] : 0)
        );
        m.status = Status.CREATE_HASH;
        return true;
    }

    /*//////////////////////////////////////////////////////////////////////////
                                  STEPS THAT FOLLOW
    //////////////////////////////////////////////////////////////////////////*/

    /// @dev CREATE_HASH: finds the address, bumps the creator's nonce, takes all but a 64th of the gas.
    function _hash(Machine memory m, Frame memory f, Reader memory r)
        private
        pure
        returns (bytes32)
    {
        InitcodeOperation memory initcode = Bulk.openInitcode(m.bulk, r);
        m.bulk = 0;
        if (Callees.isDeepest(f)) return Callees.refuse(m, f, r);
        address creator = address(uint160(f.self));
        (Path memory path, AccountLeaf memory leaf,) = Accounts.open(m.stateRoot, creator, r);
        if (leaf.balance < initcode.value || leaf.nonce >= NONCE_END) {
            return Callees.refuse(m, f, r);
        }
        CreationOperation memory creation = _creation(f, initcode, leaf.nonce, r);
        leaf.nonce += 1;
        m.stateRoot = Accounts.close(path, r, leaf);
        f.gas -= creation.gas;
        m.bulk = Bulk.hash(creation);
        m.status = Status.CREATE_WARM;
        return Frames.close(m, f, r);
    }

    /// @dev Reads the initcode, which is at most 48 KB, from memory.
    function _creation(
        Frame memory f,
        InitcodeOperation memory initcode,
        uint256 nonce,
        Reader memory r
    ) private pure returns (CreationOperation memory) {
        bytes32 codeHash = keccak256(Views.bytesAt(f.memoryRoot, initcode.start, initcode.size, r));
        address creator = address(uint160(f.self));
        address account = initcode.salted == 1
            ? Creations.saltedAddressOf(creator, initcode.salt, codeHash)
            : Creations.addressOf(creator, nonce);
        return CreationOperation(
            uint160(account), f.self, initcode.value, Callees.gasFor(f), codeHash
        );
    }

    /// @dev CREATE_WARM: warms the address, which stays warm; a taken address costs all the gas.
    function _warm(Machine memory m, Reader memory r) private pure returns (bytes32) {
        bool isOutermost = m.frame == 0;
        Frame memory creator = Callees.openCaller(m, r);
        address account = address(uint160(Bulk.openCreation(m.bulk, r).account));
        (, Tx memory t) = Accesses.warm(m, account, r);
        (, AccountLeaf memory leaf,) = Accounts.open(m.stateRoot, account, r);
        if (!_isTaken(leaf)) {
            m.status = Status.CREATE_ENTER;
            return Machines.close(m, r);
        }
        m.bulk = 0;
        if (!isOutermost) return Callees.refuse(m, creator, r);
        (t.gas, t.outcome) = (0, Outcome.FAILURE);
        m.transaction = Transactions.hash(t);
        m.status = Status.SETTLE;
        return Machines.close(m, r);
    }

    /// @dev Code, a nonce or storage (EIP-684, EIP-7610).
    function _isTaken(AccountLeaf memory leaf) private pure returns (bool) {
        return leaf.nonce != 0 || leaf.codeHash != Accounts.EMPTY_CODE_HASH
            || leaf.storageRoot != TrieEdit.EMPTY_ROOT;
    }

    /// @dev CREATE_ENTER: makes the frame, and notes that this transaction made the contract.
    function _enter(Machine memory m, Reader memory r) private pure returns (bytes32) {
        Frame memory creator = Callees.openCaller(m, r);
        CreationOperation memory creation = Bulk.openCreation(m.bulk, r);
        Frame memory f = Callees.make(m, creator);
        (Path memory path, uint256 flags) =
            Journal.openFlags(m.journalRoot, address(uint160(creation.account)), r);
        m.journalRoot = Journal.close(path, r, flags | Journal.CREATED);
        (f.self, f.caller, f.value) = (creation.account, creation.creator, creation.value);
        (f.gas, f.codeHash, f.isCreate) = (creation.gas, creation.codeHash, 1);
        m.bulk = 0;
        m.status = Status.CREATE_FUND;
        return Frames.close(m, f, r);
    }

    /// @dev CREATE_FUND: moves the ether; the new account's nonce is 1 (EIP-161).
    function _fund(Machine memory m, Frame memory f, Reader memory r)
        private
        pure
        returns (bytes32)
    {
        if (f.value != 0) _take(m, address(uint160(f.caller)), f.value, r);
        (Path memory path, AccountLeaf memory leaf,) =
            Accounts.open(m.stateRoot, address(uint160(f.self)), r);
        leaf.nonce = 1;
        leaf.balance += f.value;
        leaf.codeHash = Accounts.EMPTY_CODE_HASH;
        m.stateRoot = Accounts.close(path, r, leaf);
        if (f.codeHash == Accounts.EMPTY_CODE_HASH) {
            Frames.halt(m, f, WordTree.EMPTY_ROOT, 0, 0);
        } else {
            m.status = Status.LOAD;
        }
        return Frames.close(m, f, r);
    }

    /// @dev Takes from a balance that is known to suffice: CREATE_HASH or BUY has compared.
    function _take(Machine memory m, address account, uint256 value, Reader memory r) private pure {
        (Path memory path, AccountLeaf memory leaf,) = Accounts.open(m.stateRoot, account, r);
        leaf.balance -= value;
        m.stateRoot = Accounts.close(path, r, leaf);
    }

    /*//////////////////////////////////////////////////////////////////////////
                                        DEPLOY
    //////////////////////////////////////////////////////////////////////////*/

    /// @dev Pays for the code that a creation returned, and sets it; false if the creation fails.
    function _deploy(Machine memory m, Frame memory f, Reader memory r)
        private
        pure
        returns (bool)
    {
        uint256 size = f.returnLength;
        // All failures look alike: what is cheapest to know comes first.
        if (size > CODE_BYTES_MAX || !f.charge(CODE_BYTE_GAS * size)) return false;
        if (size != 0) {
            bytes memory code = Views.bytesAt(f.returnRoot, f.returnOffset, size, r);
            if (code[0] == RESERVED) return false;
            (Path memory path, AccountLeaf memory leaf,) =
                Accounts.open(m.stateRoot, address(uint160(f.self)), r);
            leaf.codeHash = keccak256(code);
            m.stateRoot = Accounts.close(path, r, leaf);
        }
        Frames.setReturn(f, WordTree.EMPTY_ROOT, 0, 0);
        m.status = Status.LEAVE;
        return true;
    }
}
