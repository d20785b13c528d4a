// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOneStepProver, StepContext} from "../interfaces/IOneStepProver.sol";
import {Frame, Frames} from "./libraries/Frames.sol";
import {Instructions} from "./libraries/Instructions.sol";
import {Machine, Machines, Status} from "./libraries/Machines.sol";
import {Reader, Witness} from "./libraries/Witness.sol";

/// @notice The verifiers, each of some statuses or opcodes; see `OneStepProver`.
struct Provers {
    IOneStepProver arithmetic;
    IOneStepProver control;
    IOneStepProver environment;
    IOneStepProver account;
    IOneStepProver memory_;
    IOneStepProver log;
    IOneStepProver storage_;
    IOneStepProver call;
    IOneStepProver create;
    IOneStepProver destruct;
    IOneStepProver precompile;
    IOneStepProver envelope;
    IOneStepProver payment;
    IOneStepProver phase;
    IOneStepProver receipt;
    IOneStepProver batch;
    IOneStepProver block_;
    IOneStepProver list;
    IOneStepProver seal;
}

/// @title  OneStepProver
/// @notice The one verifier of every machine state: the status selects a contract, and in status RUN the
///         opcode that the loaded code has at `pc`. The caller chooses nothing. Each contract opens the
///         state itself and refuses what isn't its own, so that no state has two verifiers.
contract OneStepProver is IOneStepProver {
    IOneStepProver public immutable arithmetic;
    IOneStepProver public immutable control;
    IOneStepProver public immutable environment;
    IOneStepProver public immutable account;
    IOneStepProver public immutable memory_;
    IOneStepProver public immutable log;
    IOneStepProver public immutable storage_;
    IOneStepProver public immutable call;
    IOneStepProver public immutable create;
    IOneStepProver public immutable destruct;
    IOneStepProver public immutable precompile;
    IOneStepProver public immutable envelope;
    IOneStepProver public immutable payment;
    IOneStepProver public immutable phase;
    IOneStepProver public immutable receipt;
    IOneStepProver public immutable batch;
    IOneStepProver public immutable block_;
    IOneStepProver public immutable list;
    IOneStepProver public immutable seal;

    constructor(Provers memory provers) {
        arithmetic = provers.arithmetic;
        control = provers.control;
        environment = provers.environment;
        account = provers.account;
        memory_ = provers.memory_;
        log = provers.log;
        storage_ = provers.storage_;
        call = provers.call;
        create = provers.create;
        destruct = provers.destruct;
        precompile = provers.precompile;
        envelope = provers.envelope;
        payment = provers.payment;
        phase = provers.phase;
        receipt = provers.receipt;
        batch = provers.batch;
        block_ = provers.block_;
        list = provers.list;
        seal = provers.seal;
    }

    /// @inheritdoc IOneStepProver
    function step(bytes32 preState, StepContext calldata context, bytes calldata witness)
        external
        view
        returns (bytes32)
    {
        return proverOf(preState, witness).step(preState, context, witness);
    }

    /// @notice The contract that verifies the step from `preState`.
    /// @dev    Reverts when the witness doesn't open the state as far as it decides.
    function proverOf(bytes32 preState, bytes calldata witness)
        public
        view
        returns (IOneStepProver)
    {
        Reader memory r = Witness.reader(witness);
        Machine memory m = Machines.open(preState, r);
        if (m.status != Status.RUN) return _ofStatus(m.status);
        Frame memory f = Frames.open(m.frame, r);
        return _ofOpcode(Instructions.opcodeAt(f, r));
    }

    function _ofStatus(uint256 status) private view returns (IOneStepProver) {
        if (status == Status.VALIDATE) return envelope;
        if (status == Status.BUY || status == Status.SETTLE) return payment;
        if (status == Status.WARM || status == Status.BEGIN || status == Status.DESTRUCT) {
            return phase;
        }
        if (status == Status.RECEIPT) return receipt;
        if (status == Status.PRECOMPILE) return precompile;
        if (status == Status.LOAD || status == Status.EXTCODESIZE || status == Status.EXTCODECOPY) {
            return account;
        }
        if (status == Status.COPY) return memory_;
        if (Status.SLOAD <= status && status <= Status.SSTORE_WRITE) return storage_;
        if (status == Status.ENTER || status == Status.LEAVE) return call;
        if (status == Status.DEPLOY) return create;
        if (Status.CREATE_HASH <= status && status <= Status.CREATE_FUND) return create;
        if (status == Status.SELFDESTRUCT_SEND || status == Status.SELFDESTRUCT_MARK) {
            return destruct;
        }
        if (status == Status.BOUNDARY || status == Status.EXHAUSTED) return batch;
        if (status == Status.DECODE || status == Status.SCAN) return batch;
        if (status == Status.ORIGIN || status == Status.NEXT || status == Status.UNFIT) {
            return block_;
        }
        if (Status.HASH_TRANSACTION <= status && status <= Status.RECEIPTS_ROOT) return list;
        if (status == Status.SEAL) return seal;
        revert Machines.NotMyStatus(status);
    }

    /// @dev What no other contract knows is an undefined opcode, which `control` fails.
    function _ofOpcode(uint256 opcode) private view returns (IOneStepProver) {
        if (0x01 <= opcode && opcode <= 0x0b) return arithmetic;
        if (0x10 <= opcode && opcode <= 0x1d) return arithmetic;
        if (opcode == 0x31 || opcode == 0x3b || opcode == 0x3c || opcode == 0x3f) return account;
        if (opcode == 0x47) return account;
        if (opcode == 0x20 || opcode == 0x37 || opcode == 0x39 || opcode == 0x3e) return memory_;
        if (0x51 <= opcode && opcode <= 0x53) return memory_;
        if (opcode == 0x59 || opcode == 0x5e) return memory_;
        if (0x30 <= opcode && opcode <= 0x4a) return environment;
        if (opcode == 0x54 || opcode == 0x55 || opcode == 0x5c || opcode == 0x5d) return storage_;
        if (0xa0 <= opcode && opcode <= 0xa4) return log;
        if (opcode == 0xf1 || opcode == 0xf2 || opcode == 0xf4 || opcode == 0xfa) return call;
        if (opcode == 0xf0 || opcode == 0xf5) return create;
        if (opcode == 0xff) return destruct;
        return control;
    }
}
