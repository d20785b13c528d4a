// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Block, Blocks} from "./Blocks.sol";
import {Frame, Frames} from "./Frames.sol";
import {Journal} from "./Journal.sol";
import {Machine} from "./Machines.sol";
import {Transactions, Tx} from "./Transactions.sol";
import {Path} from "./TrieEdit.sol";
import {Reader} from "./Witness.sol";

/// @title  Accesses of accounts (EIP-2929)
/// @notice An account is warm by rule (a precompile, the coinbase, the transaction's sender and recipient) or
///         because the journal says so. docs/machine.md, "Journal".
library Accesses {
    using Frames for Frame;

    /// @dev EIP-2929.
    uint256 internal constant COLD_ACCOUNT_GAS = 2600;
    uint256 internal constant WARM_GAS = 100;

    /// @dev 0x01 to 0x0a (Cancun).
    uint256 private constant PRECOMPILES = 10;

    /// @notice Warms an account. Reads block, transaction and, unless it is warm by rule, the path of its flags.
    /// @return wasCold Whether the transaction has not accessed it before.
    /// @return t       The transaction, which a caller may need as well.
    function warm(Machine memory m, address account, Reader memory r)
        internal
        pure
        returns (bool wasCold, Tx memory t)
    {
        Block memory b = Blocks.open(m.blockHash, r);
        t = Transactions.open(m.transaction, r);
        if (_isWarmByRule(uint160(account), b, t)) return (false, t);
        (Path memory path, uint256 flags) = Journal.openFlags(m.journalRoot, account, r);
        wasCold = flags & Journal.WARM == 0;
        m.journalRoot = Journal.close(path, r, flags | Journal.WARM);
    }

    /// @notice Pays for an access and warms the account; false if it runs out of gas.
    function pay(Machine memory m, Frame memory f, address account, Reader memory r)
        internal
        pure
        returns (bool)
    {
        (bool wasCold,) = warm(m, account, r);
        return f.charge(wasCold ? COLD_ACCOUNT_GAS : WARM_GAS);
    }

    /// @notice Whether an account is a precompile.
    function isPrecompile(uint256 account) internal pure returns (bool) {
        return account != 0 && account <= PRECOMPILES;
    }

    function _isWarmByRule(uint256 account, Block memory b, Tx memory t)
        private
        pure
        returns (bool)
    {
        return isPrecompile(account) || account == b.coinbase || account == t.sender
            || account == t.recipient;
    }
}
