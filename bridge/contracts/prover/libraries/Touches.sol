// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccountLeaf, Accounts} from "./Accounts.sol";
import {Machine} from "./Machines.sol";
import {Transactions, Tx} from "./Transactions.sol";
import {Path} from "./TrieEdit.sol";
import {Reader} from "./Witness.sol";

/// @title  Ether that comes in
/// @notice An account that ether is sent to is touched, by none as well: if it is empty then, it goes (EIP-161).
library Touches {
    /// @dev RIPEMD-160, whose touch outlives a revert (EIP-161, mainnet's block 2,675,119).
    uint256 private constant RIPEMD160 = 3;

    /// @notice Adds to the balance of an opened account, and touches it. Reads what closing its path takes and,
    ///         for 0x03, the transaction.
    /// @param  value What is added, in wei.
    function receive_(
        Machine memory m,
        address account,
        Path memory path,
        AccountLeaf memory leaf,
        uint256 value,
        Reader memory r
    ) internal pure {
        leaf.balance += value;
        m.stateRoot = Accounts.close(path, r, leaf);
        if (uint160(account) != RIPEMD160) return;
        Tx memory t = Transactions.open(m.transaction, r);
        t.ripemdTouched = 1;
        m.transaction = Transactions.hash(t);
    }
}
