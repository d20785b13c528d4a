// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOneStepProver, StepContext} from "../interfaces/IOneStepProver.sol";
import {Block, Blocks} from "./libraries/Blocks.sol";
import {Frame} from "./libraries/Frames.sol";
import {Instructions} from "./libraries/Instructions.sol";
import {Machine} from "./libraries/Machines.sol";
import {Rings} from "./libraries/Rings.sol";
import {Stacks} from "./libraries/Stacks.sol";
import {Transactions} from "./libraries/Transactions.sol";
import {Views} from "./libraries/Views.sol";
import {Reader} from "./libraries/Witness.sol";

/// @title  What a frame is told of its call, its transaction and its block
/// @notice Opcodes 0x30 to 0x4a but copies and those that ask about accounts (Yellow Paper, appendix H.2;
///         EIP-1344, 3198, 4399, 4844, 7516). What isn't in the frame is opened behind the code word.
contract EnvironmentProver is IOneStepProver {
    using Instructions for Frame;
    using Stacks for Frame;

    uint256 private constant ORIGIN = 0x32;
    uint256 private constant CALLDATALOAD = 0x35;
    uint256 private constant GASPRICE = 0x3a;
    uint256 private constant BLOCKHASH = 0x40;
    uint256 private constant BLOBHASH = 0x49;
    uint256 private constant BLOBBASEFEE = 0x4a;

    /// @dev How many blocks back BLOCKHASH sees (Yellow Paper, section 9.4.3).
    uint256 private constant ANCESTORS_MAX = 256;

    /// @dev Its least value (EIP-4844), for there are no blobs (docs/chain-rules.md).
    uint256 private constant BLOB_BASE_FEE = 1;

    /// @inheritdoc IOneStepProver
    function step(bytes32 preState, StepContext calldata, bytes calldata witness)
        external
        pure
        returns (bytes32)
    {
        (Machine memory m, Frame memory f, Reader memory r, uint256 opcode) =
            Instructions.open(preState, witness);
        return Instructions.close(_run(m, f, r, opcode), m, f, r);
    }

    function _run(Machine memory m, Frame memory f, Reader memory r, uint256 opcode)
        private
        pure
        returns (bool)
    {
        (uint256 takes, uint256 gas) = _shape(opcode);
        if (!f.begin(takes, 1, gas)) return false;
        if (takes == 1) {
            f.push(_answer(m, f, r, opcode, f.pop(r)));
        } else {
            f.push(_value(m, f, r, opcode));
        }
        return true;
    }

    /// @dev How many items an opcode takes, and its fixed price.
    function _shape(uint256 opcode) private pure returns (uint256 takes, uint256 gas) {
        if (opcode == CALLDATALOAD || opcode == BLOBHASH) return (1, 3);
        if (opcode == BLOCKHASH) return (1, 20);
        if (opcode == 0x30 || opcode == 0x38 || opcode == GASPRICE || opcode == 0x3d) return (0, 2);
        if (0x32 <= opcode && opcode <= 0x36) return (0, 2);
        if (0x41 <= opcode && opcode <= BLOBBASEFEE && opcode != 0x47) return (0, 2);
        revert Instructions.NotMyOpcode(opcode);
    }

    /// @dev What an instruction makes of the item that it takes. No transaction has a blob's hash.
    function _answer(
        Machine memory m,
        Frame memory f,
        Reader memory r,
        uint256 opcode,
        uint256 item
    ) private pure returns (uint256) {
        if (opcode == CALLDATALOAD) {
            bytes memory data =
                Views.read(f.inputRoot, f.inputOffset, f.inputLength, item, 32, r);
            return uint256(bytes32(data));
        }
        if (opcode == BLOCKHASH) return _blockHash(m, r, item);
        return 0;
    }

    /// @dev The ring has a place for each of the last 256 blocks, and those only are asked for.
    function _blockHash(Machine memory m, Reader memory r, uint256 number)
        private
        pure
        returns (uint256)
    {
        Block memory b = Blocks.open(m.blockHash, r);
        if (number >= b.number || b.number - number > ANCESTORS_MAX) return 0;
        return uint256(Rings.open(b.ringRoot, number, r).blockHash);
    }

    function _value(Machine memory m, Frame memory f, Reader memory r, uint256 opcode)
        private
        pure
        returns (uint256)
    {
        if (opcode == 0x30) return f.self;
        if (opcode == ORIGIN) return Transactions.open(m.transaction, r).sender;
        if (opcode == 0x33) return f.caller;
        if (opcode == 0x34) return f.value;
        if (opcode == 0x36) return f.inputLength;
        if (opcode == 0x38) return f.codeSize;
        if (opcode == GASPRICE) return Transactions.open(m.transaction, r).price;
        if (opcode == 0x3d) return f.returnLength;
        if (opcode == BLOBBASEFEE) return BLOB_BASE_FEE;
        return _ofBlock(Blocks.open(m.blockHash, r), opcode);
    }

    /// @dev COINBASE to BASEFEE.
    function _ofBlock(Block memory b, uint256 opcode) private pure returns (uint256) {
        if (opcode == 0x41) return b.coinbase;
        if (opcode == 0x42) return b.timestamp;
        if (opcode == 0x43) return b.number;
        if (opcode == 0x44) return uint256(b.prevRandao);
        if (opcode == 0x45) return b.gasLimit;
        if (opcode == 0x46) return b.chainId;
        return b.baseFee;
    }
}
