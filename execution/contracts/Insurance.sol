// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Books} from "./Books.sol";
import {IInsolvency} from "./interfaces/IInsolvency.sol";
import {ILiquidation} from "./interfaces/ILiquidation.sol";
import {FixedMath} from "./libraries/FixedMath.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Insurance                                                                     │
│                                                                               │
│ What has been set aside for losses, and the losses that are known and not yet │
│ covered. Withdrawals are closed while the second exceeds the first.           │
──────────────────────────────────────────────────────────────────────────────*/
abstract contract Insurance is Books {
    using FixedMath for int256;

    /// Adds `change` (q6) to a market's insurance; the callers never take more than there is.
    function _moveInsurance(uint32 market, int256 change) internal {
        uint256 balance = uint256(int256(uint256(insurance[market])) + change);
        uint256 total = uint256(int256(uint256(insuranceTotal)) + change);
        // Insurance is a part of the custody, which is a uint128.
        (insurance[market], insuranceTotal) = (uint128(balance), uint128(total));
        emit ILiquidation.InsuranceMoved(market, change, balance);
    }

    /// Takes up to `amount` (q6) from one market's insurance.
    function _drawInsurance(uint32 market, uint256 amount) internal returns (uint256 drawn) {
        uint256 held = insurance[market];
        drawn = amount < held ? amount : held;
        if (drawn != 0) _moveInsurance(market, -int256(drawn));
    }

    /// Takes up to `amount` (q6) from all insurance, from the lowest market on: a debt that no open
    /// position explains belongs to no market.
    function _drawAll(uint256 amount) internal returns (uint256 drawn) {
        for (uint32 market = 0; market < marketCount && drawn < amount; market++) {
            drawn += _drawInsurance(market, amount - drawn);
        }
    }

    /// Brings the debt of an account in memory up to date. Without positions nothing can make up
    /// for a loss any more, so that insurance pays what it can at once. The caller writes the account.
    function _bringUp(Shelf memory shelf, Trader memory trader) internal {
        uint256 debt = _debtOf(shelf, trader);
        if (debt != 0 && _isFlat(trader)) {
            uint256 paid = _drawAll(debt);
            trader.cash += int256(paid);
            debt -= paid;
        }
        _setDebt(trader.id, debt);
    }

    /// Negative equity (q6) at the last known prices. They count even when they are stale, so that
    /// a deposit can always clear a report.
    function _debtOf(Shelf memory shelf, Trader memory trader) internal view returns (uint256) {
        return uint256((-_assess(shelf, trader).equity).max(0));
    }

    function _setDebt(uint64 account, uint256 debt) internal {
        uint256 reported = debtOf[account];
        if (debt == reported) return;
        uint256 total = reportedDebt - reported + debt;
        // A single debt is a sum of int96 costs and amounts, far below 2^128.
        if (total > type(uint128).max) revert FieldOverflow();
        (debtOf[account], reportedDebt) = (uint128(debt), uint128(total));
        emit IInsolvency.DebtReported(account, debt, total);
    }

    function _isFlat(Trader memory trader) internal pure returns (bool) {
        for (uint256 i = 0; i < trader.count; i++) {
            if (trader.perps[i].size != 0) return false;
        }
        return _heldCount(trader) == 0;
    }
}
