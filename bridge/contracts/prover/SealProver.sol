// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOneStepProver, StepContext} from "../interfaces/IOneStepProver.sol";
import {Boundary} from "../libraries/Boundary.sol";
import {AccountLeaf, Accounts} from "./libraries/Accounts.sol";
import {Block, Blocks} from "./libraries/Blocks.sol";
import {Boundaries} from "./libraries/Boundaries.sol";
import {Headers} from "./libraries/Headers.sol";
import {Inputs, InputWords} from "./libraries/Inputs.sol";
import {Machine, Machines, Status} from "./libraries/Machines.sol";
import {RingPath, Rings} from "./libraries/Rings.sol";
import {Reader, Witness} from "./libraries/Witness.sol";

/// @title  From the last transaction's state to the block's own boundary
/// @notice Status SEAL: the header, and with its hash the output root (docs/derivation.md, section 8).
contract SealProver is IOneStepProver {
    /// @dev L2ToL1MessagePasser: withdrawals are proven against its storage root.
    address private constant MESSAGE_PASSER = 0x4200000000000000000000000000000000000016;

    /// @inheritdoc IOneStepProver
    function step(bytes32 preState, StepContext calldata, bytes calldata witness)
        external
        pure
        returns (bytes32)
    {
        Reader memory r = Witness.reader(witness);
        Machine memory m = Machines.open(preState, r);
        if (m.status != Status.SEAL) revert Machines.NotMyStatus(m.status);
        Machine memory done;
        done.status = Status.BOUNDARY;
        done.boundary = Boundaries.hash(_boundaryAfter(m, r));
        return Machines.close(done, r);
    }

    function _boundaryAfter(Machine memory m, Reader memory r)
        private
        pure
        returns (Boundary memory next)
    {
        Block memory b = Blocks.open(m.blockHash, r);
        Inputs memory inputs = InputWords.open(b.inputs, r);
        Boundary memory parent = Boundaries.open(m.boundary, r);
        (, AccountLeaf memory passer,) = Accounts.open(m.stateRoot, MESSAGE_PASSER, r);
        RingPath memory place = Rings.open(parent.blockHashRingRoot, b.number, r);
        (next.version, next.configHash) = (parent.version, parent.configHash);
        next.number = b.number;
        next.headerHash = Headers.hash(parent, b, inputs, m.stateRoot);
        next.stateRoot = m.stateRoot;
        next.messagePasserStorageRoot = passer.storageRoot;
        next.blockHashRingRoot = Rings.rootWith(place, next.headerHash);
        (next.nextBatch, next.offset) = (inputs.nextBatch, inputs.nextOffset);
        next.nextDeposit = inputs.nextDeposit;
        (next.originItem, next.sequenceNumber) = (inputs.origin, inputs.sequenceNumber);
    }
}
