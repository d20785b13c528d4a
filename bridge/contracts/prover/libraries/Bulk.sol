// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Reader, Witness} from "./Witness.sol";
import {Words} from "./Words.sol";

/// @notice Bytes on the way into memory; `done` of them are there.
struct CopyOperation {
    bytes32 sourceRoot;
    uint256 sourceOffset;
    uint256 sourceLength;
    uint256 start;
    uint256 destination;
    uint256 size;
    uint256 done;
}

/// @notice SLOAD or SSTORE: the access is paid, or will be with the rest.
struct SlotOperation {
    uint256 slot;
    uint256 value;
    uint256 cold;
    uint256 original;
}

/// @notice EXTCODESIZE of the code with this hash.
struct CodeSizeOperation {
    bytes32 codeHash;
}

/// @notice EXTCODECOPY of the code with this hash, paid for.
struct CodeCopyOperation {
    bytes32 codeHash;
    uint256 destination;
    uint256 start;
    uint256 size;
}

/// @notice A call, paid for; `gas` is the callee's, with the stipend.
struct CallOperation {
    uint256 gas;
    uint256 codeAddress;
    bytes32 codeHash;
    uint256 to;
    uint256 caller;
    uint256 value;
    uint256 transfers;
    uint256 isStatic;
    bytes32 inputRoot;
    uint256 inputOffset;
    uint256 inputLength;
    uint256 outputStart;
    uint256 outputSize;
}

/// @notice CREATE or CREATE2, paid for, before its code is read.
struct InitcodeOperation {
    uint256 value;
    uint256 start;
    uint256 size;
    uint256 salted;
    uint256 salt;
}

/// @notice A creation with its address known and its gas taken from the creator.
struct CreationOperation {
    uint256 account;
    uint256 creator;
    uint256 value;
    uint256 gas;
    bytes32 codeHash;
}

/// @notice The precompile that the frame just entered runs.
struct PrecompileOperation {
    uint256 account;
}

/// @notice SELFDESTRUCT in favour of an account whose access is paid for.
struct SelfdestructOperation {
    uint256 beneficiary;
}

/// @title  What an instruction of several steps remembers from one to the next: the machine's bulk word
/// @notice docs/machine.md, "Bulk". Each operation has a tag of its own, so that none opens as another.
library Bulk {
    using Witness for Reader;

    /// @notice The witness doesn't open the pending operation.
    error WrongOperation(bytes32 expected, bytes32 actual);

    bytes32 private constant COPY_TAG = keccak256("tallystick.machine.operation.copy.v1");
    bytes32 private constant SLOT_TAG = keccak256("tallystick.machine.operation.slot.v1");
    bytes32 private constant CODE_SIZE_TAG = keccak256("tallystick.machine.operation.codesize.v1");
    bytes32 private constant CODE_COPY_TAG = keccak256("tallystick.machine.operation.codecopy.v1");
    bytes32 private constant CALL_TAG = keccak256("tallystick.machine.operation.call.v1");
    bytes32 private constant INITCODE_TAG = keccak256("tallystick.machine.operation.initcode.v1");
    bytes32 private constant CREATION_TAG = keccak256("tallystick.machine.operation.creation.v1");
    bytes32 private constant PRECOMPILE_TAG = keccak256("tallystick.machine.operation.precompile.v1");
    bytes32 private constant SELFDESTRUCT_TAG = keccak256("tallystick.machine.operation.selfdestruct.v1");

    /// @notice The pending operation, which is committed to by `expected`.
    function openCopy(bytes32 expected, Reader memory r)
        internal
        pure
        returns (CopyOperation memory o)
    {
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := o
        }
        _read(expected, COPY_TAG, pointer, 7, r);
    }

    /// @notice The commitment.
    function hash(CopyOperation memory o) internal pure returns (bytes32) {
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := o
        }
        return Words.commit(COPY_TAG, pointer, 7);
    }

    /// @notice The pending operation, which is committed to by `expected`.
    function openSlot(bytes32 expected, Reader memory r)
        internal
        pure
        returns (SlotOperation memory o)
    {
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := o
        }
        _read(expected, SLOT_TAG, pointer, 4, r);
    }

    /// @notice The commitment.
    function hash(SlotOperation memory o) internal pure returns (bytes32) {
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := o
        }
        return Words.commit(SLOT_TAG, pointer, 4);
    }

    /// @notice The pending operation, which is committed to by `expected`.
    function openCodeSize(bytes32 expected, Reader memory r)
        internal
        pure
        returns (CodeSizeOperation memory o)
    {
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := o
        }
        _read(expected, CODE_SIZE_TAG, pointer, 1, r);
    }

    /// @notice The commitment.
    function hash(CodeSizeOperation memory o) internal pure returns (bytes32) {
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := o
        }
        return Words.commit(CODE_SIZE_TAG, pointer, 1);
    }

    /// @notice The pending operation, which is committed to by `expected`.
    function openCodeCopy(bytes32 expected, Reader memory r)
        internal
        pure
        returns (CodeCopyOperation memory o)
    {
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := o
        }
        _read(expected, CODE_COPY_TAG, pointer, 4, r);
    }

    /// @notice The commitment.
    function hash(CodeCopyOperation memory o) internal pure returns (bytes32) {
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := o
        }
        return Words.commit(CODE_COPY_TAG, pointer, 4);
    }

    /// @notice The pending operation, which is committed to by `expected`.
    function openCall(bytes32 expected, Reader memory r)
        internal
        pure
        returns (CallOperation memory o)
    {
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := o
        }
        _read(expected, CALL_TAG, pointer, 13, r);
    }

    /// @notice The commitment.
    function hash(CallOperation memory o) internal pure returns (bytes32) {
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := o
        }
        return Words.commit(CALL_TAG, pointer, 13);
    }

    /// @notice The pending operation, which is committed to by `expected`.
    function openInitcode(bytes32 expected, Reader memory r)
        internal
        pure
        returns (InitcodeOperation memory o)
    {
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := o
        }
        _read(expected, INITCODE_TAG, pointer, 5, r);
    }

    /// @notice The commitment.
    function hash(InitcodeOperation memory o) internal pure returns (bytes32) {
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := o
        }
        return Words.commit(INITCODE_TAG, pointer, 5);
    }

    /// @notice The pending operation, which is committed to by `expected`.
    function openCreation(bytes32 expected, Reader memory r)
        internal
        pure
        returns (CreationOperation memory o)
    {
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := o
        }
        _read(expected, CREATION_TAG, pointer, 5, r);
    }

    /// @notice The commitment.
    function hash(CreationOperation memory o) internal pure returns (bytes32) {
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := o
        }
        return Words.commit(CREATION_TAG, pointer, 5);
    }

    /// @notice The pending operation, which is committed to by `expected`.
    function openPrecompile(bytes32 expected, Reader memory r)
        internal
        pure
        returns (PrecompileOperation memory o)
    {
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := o
        }
        _read(expected, PRECOMPILE_TAG, pointer, 1, r);
    }

    /// @notice The commitment.
    function hash(PrecompileOperation memory o) internal pure returns (bytes32) {
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := o
        }
        return Words.commit(PRECOMPILE_TAG, pointer, 1);
    }

    /// @notice The pending operation, which is committed to by `expected`.
    function openSelfdestruct(bytes32 expected, Reader memory r)
        internal
        pure
        returns (SelfdestructOperation memory o)
    {
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := o
        }
        _read(expected, SELFDESTRUCT_TAG, pointer, 1, r);
    }

    /// @notice The commitment.
    function hash(SelfdestructOperation memory o) internal pure returns (bytes32) {
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := o
        }
        return Words.commit(SELFDESTRUCT_TAG, pointer, 1);
    }

    function _read(bytes32 expected, bytes32 tag, uint256 pointer, uint256 words, Reader memory r)
        private
        pure
    {
        r.copy(pointer, words * 32);
        bytes32 actual = Words.commit(tag, pointer, words);
        if (actual != expected) revert WrongOperation(expected, actual);
    }
}
