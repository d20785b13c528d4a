// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Storage} from "./Storage.sol";
import {IAccounts} from "./interfaces/IAccounts.sol";
import {IAdmin} from "./interfaces/IAdmin.sol";
import {IBackstop} from "./interfaces/IBackstop.sol";
import {IFormulas} from "./interfaces/IFormulas.sol";
import {IInsolvency} from "./interfaces/IInsolvency.sol";
import {ILiquidation} from "./interfaces/ILiquidation.sol";
import {IOptions} from "./interfaces/IOptions.sol";
import {IOracle} from "./interfaces/IOracle.sol";
import {ISettlement} from "./interfaces/ISettlement.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ ClearingHouse                                                                 │
│                                                                               │
│ The address of the margin engine. It holds the collateral and the storage,    │
│ and delegates each call by its selector to one of ten modules at fixed        │
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
    address private constant OPTIONS = 0x4200000000000000000000000000000000000206;
    address private constant LIQUIDATION = 0x4200000000000000000000000000000000000207;
    address private constant INSOLVENCY = 0x4200000000000000000000000000000000000208;
    address private constant FORMULAS = 0x4200000000000000000000000000000000000209;
    address private constant BACKSTOP = 0x420000000000000000000000000000000000020a;

    /// Another call is running.
    error Reentered();

    /// @dev A selector that writes goes to its module under the lock; every other one to the reads,
    /// which know what they don't know.
    fallback() external {
        if (entered) revert Reentered();
        address module = _module(msg.sig);
        bool writes = module != READS && module != FORMULAS;
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
        if (_isOracle(selector)) return ORACLE;
        if (_isAccounts(selector)) return ACCOUNTS;
        if (_isOptions(selector)) return OPTIONS;
        if (selector == ILiquidation.liquidate.selector) return LIQUIDATION;
        if (_isBackstop(selector)) return BACKSTOP;
        if (_isInsolvency(selector)) return INSOLVENCY;
        if (_isAdmin(selector)) return ADMIN;
        return _isFormulas(selector) ? FORMULAS : READS;
    }

    function _isOracle(bytes4 selector) private pure returns (bool) {
        return selector == IOracle.reportPrice.selector
            || selector == IOracle.reportExternalPrice.selector
            || selector == IOracle.reportOptionInputs.selector
            || selector == IOracle.postBookSample.selector
            || selector == IOracle.accrueFunding.selector;
    }

    function _isAccounts(bytes4 selector) private pure returns (bool) {
        return selector == IAccounts.createAccount.selector
            || selector == IAccounts.deposit.selector
            || selector == IAccounts.withdraw.selector
            || selector == IAccounts.moveCash.selector
            || selector == IAccounts.setMarginMode.selector
            || selector == IAccounts.setSessionKey.selector
            || selector == IAccounts.revokeSessionKeys.selector
            || selector == IAccounts.cancelOrders.selector
            || selector == IAccounts.cancelAllOrders.selector;
    }

    function _isOptions(bytes4 selector) private pure returns (bool) {
        return selector == IOptions.priceSeries.selector
            || selector == IOptions.fixSettlement.selector
            || selector == IOptions.settleOptions.selector;
    }

    function _isBackstop(bytes4 selector) private pure returns (bool) {
        return selector == IBackstop.takeOver.selector
            || selector == IBackstop.requestExit.selector
            || selector == IBackstop.cancelExit.selector
            || selector == IBackstop.executeExit.selector;
    }

    function _isInsolvency(bytes4 selector) private pure returns (bool) {
        return selector == IInsolvency.reportDebt.selector
            || selector == IInsolvency.fundInsurance.selector
            || selector == IInsolvency.proposeDeleverage.selector
            || selector == IInsolvency.deleverage.selector
            || selector == IInsolvency.closeMarket.selector
            || selector == IInsolvency.registerClosing.selector
            || selector == IInsolvency.payClaims.selector;
    }

    function _isAdmin(bytes4 selector) private pure returns (bool) {
        return selector == IAdmin.setRole.selector
            || selector == IAdmin.setOracleSigner.selector
            || selector == IAdmin.listMarket.selector
            || selector == IAdmin.setMarketRules.selector
            || selector == IAdmin.setMarketCaps.selector
            || selector == IAdmin.setFundingRules.selector
            || selector == IAdmin.setMarketFees.selector
            || selector == IAdmin.setMarketStatus.selector
            || selector == IAdmin.setSafetyRules.selector
            || selector == IAdmin.setOptionRules.selector
            || selector == IAdmin.listStrike.selector
            || selector == IAdmin.openVault.selector
            || selector == IAdmin.setLossCap.selector
            || selector == IAdmin.setLimiter.selector
            || selector == IAdmin.setFeeTier.selector
            || selector == IAdmin.collectFees.selector
            || selector == IAdmin.pause.selector
            || selector == IAdmin.unpause.selector
            || selector == IAdmin.tightenMarket.selector
            || selector == IAdmin.tightenLimiter.selector
            || selector == IAdmin.tightenVault.selector;
    }

    function _isFormulas(bytes4 selector) private pure returns (bool) {
        return selector == IFormulas.optionValue.selector
            || selector == IFormulas.optionDelta.selector
            || selector == IFormulas.optionScenarios.selector
            || selector == IFormulas.perpScenarios.selector
            || selector == IFormulas.stressedVolatility.selector
            || selector == IFormulas.optionPayoff.selector
            || selector == IFormulas.portfolioStanding.selector
            || selector == IFormulas.liquidationSize.selector
            || selector == IFormulas.bankruptcyPrice.selector
            || selector == IFormulas.deleverageScore.selector
            || selector == IFormulas.limiterRefill.selector
            || selector == IFormulas.limiterDeposit.selector
            || selector == IFormulas.samplesMean.selector
            || selector == IFormulas.liquidationPrice.selector;
    }
}
