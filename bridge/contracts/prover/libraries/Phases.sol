// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Machine, Machines, Status} from "./Machines.sol";
import {TrieEdit} from "./TrieEdit.sol";
import {Reader, Witness} from "./Witness.sol";

/// @title  What the phases of a transaction have in common
library Phases {
    /// @notice Opens a machine without a frame.
    function open(bytes32 preState, bytes calldata witness)
        internal
        pure
        returns (Machine memory m, Reader memory r)
    {
        r = Witness.reader(witness);
        m = Machines.open(preState, r);
    }

    /// @notice What the transaction did to the state stays; all else of it goes.
    function forget(Machine memory m) internal pure {
        m.transaction = 0;
        m.frame = 0;
        m.journalRoot = TrieEdit.EMPTY_ROOT;
        m.refund = 0;
        m.logs = 0;
        m.destructs = 0;
        m.bulk = 0;
        m.status = Status.NEXT;
    }
}
