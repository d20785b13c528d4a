// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Storage} from "./Storage.sol";
import {IAccounts} from "./interfaces/IAccounts.sol";
import {IAdmin} from "./interfaces/IAdmin.sol";
import {IOracle} from "./interfaces/IOracle.sol";
import {ISettlement} from "./interfaces/ISettlement.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ ClearingHouse                                                                 │
│                                                                               │
│ The address of the margin engine. It holds the collateral and the storage,    │
│ and delegates each call by its selector to one of five modules at fixed       │
│ addresses. The table is code: nobody can change it. One lock, in transient    │
│ storage, keeps every other call out while one that writes is running, reads   │
│ included. It takes no ETH.                                                    │
──────────────────────────────────────────────────────────────────────────────*/
contract ClearingHouse is Storage {
    address private constant SETTLEMENT = 0x4200000000000000000000000000000000000201;
    address private constant ACCOUNTS = 0x4200000000000000000000000000000000000202;
    address private constant ORACLE = 0x4200000000000000000000000000000000000203;
    address private constant ADMIN = 0x4200000000000000000000000000000000000204;
    address private constant READS = 0x4200000000000000000000000000000000000205;

    /// Another call is running.
    error Reentered();

    /// @dev A selector that writes goes to its module under the lock; every other one to the reads,
    /// which know what they don't know.
    fallback() external {
        if (entered) revert Reentered();
        address module = _module(msg.sig);
        bool writes = module != READS;
        if (writes) entered = true;
        (bool succeeded, bytes memory answer) = module.delegatecall(msg.data);
        if (writes) entered = false;
        assembly ("memory-safe") {
            let start := add(answer, 32)
            if succeeded { return(start, mload(answer)) }
            revert(start, mload(answer))
        }
    }

    function _module(bytes4 selector) private pure returns (address) {
        if (selector == ISettlement.settleBatch.selector) return SETTLEMENT;
        if (_isAccounts(selector)) return ACCOUNTS;
        if (_isOracle(selector)) return ORACLE;
        return _isAdmin(selector) ? ADMIN : READS;
    }

    function _isAccounts(bytes4 selector) private pure returns (bool) {
        return selector == IAccounts.deposit.selector || selector == IAccounts.withdraw.selector
            || selector == IAccounts.createAccount.selector
            || selector == IAccounts.moveCash.selector
            || selector == IAccounts.setSessionKey.selector
            || selector == IAccounts.revokeSessionKeys.selector
            || selector == IAccounts.cancelOrders.selector
            || selector == IAccounts.cancelAllOrders.selector;
    }

    function _isOracle(bytes4 selector) private pure returns (bool) {
        return selector == IOracle.reportPrice.selector
            || selector == IOracle.reportExternalPrice.selector
            || selector == IOracle.postBookSample.selector
            || selector == IOracle.accrueFunding.selector;
    }

    function _isAdmin(bytes4 selector) private pure returns (bool) {
        return selector == IAdmin.setRole.selector || selector == IAdmin.setOracleSigner.selector
            || selector == IAdmin.listMarket.selector || selector == IAdmin.setMarketRules.selector
            || selector == IAdmin.setMarketCaps.selector
            || selector == IAdmin.setFundingRules.selector
            || selector == IAdmin.setMarketFees.selector
            || selector == IAdmin.setMarketStatus.selector
            || selector == IAdmin.setFeeTier.selector || selector == IAdmin.collectFees.selector
            || selector == IAdmin.pause.selector || selector == IAdmin.unpause.selector
            || selector == IAdmin.tightenMarket.selector;
    }
}
