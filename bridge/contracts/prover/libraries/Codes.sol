// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Reader, Witness} from "./Witness.sol";

/// @title  Codes, opened by their hash
/// @notice docs/machine.md, "Frame": what is executed is read from trees that LOAD builds once.
library Codes {
    using Witness for Reader;

    /// @notice The witness's code isn't the one of this hash.
    error WrongCode(bytes32 expected, bytes32 actual);

    /// @notice The code of this hash, which comes next in the witness. The hash vouches for its length too.
    function open(bytes32 codeHash, Reader memory r) internal pure returns (bytes memory code) {
        code = r.blob();
        bytes32 actual = keccak256(code);
        if (actual != codeHash) revert WrongCode(codeHash, actual);
    }

    /// @notice One bit for each byte of code, the first in the highest bit of the first byte: set where a
    ///         JUMPDEST stands that is no data of a PUSH (Yellow Paper, section 9.4.3).
    function jumpMap(bytes memory code) internal pure returns (bytes memory map) {
        map = new bytes((code.length + 7) >> 3);
        assembly ("memory-safe") {
            // One byte before the code's first, so that an opcode is the lowest byte of the word there.
            let before := add(code, 1)
            let bits := add(map, 32)
            let size := mload(code)
            for { let i := 0 } lt(i, size) { i := add(i, 1) } {
                let opcode := and(mload(add(before, i)), 0xff)
                // Of 0x60 to 0x7f, PUSH1 to PUSH32, the three highest bits are 011.
                switch shr(5, opcode)
                case 3 { i := add(i, sub(opcode, 0x5f)) }
                case 2 {
                    if eq(opcode, 0x5b) {
                        let at := add(bits, shr(3, i))
                        mstore8(at, or(byte(0, mload(at)), shr(and(i, 7), 0x80)))
                    }
                }
            }
        }
    }
}
