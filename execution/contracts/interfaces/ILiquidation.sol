// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Reason} from "../Types.sol";

/// @title Closing an account that fell below its maintenance margin
interface ILiquidation {
    /// @notice A liquidation began: orders up to this epoch are void. Equity and maintenance q6.
    event LiquidationStarted(
        uint64 indexed account, uint32 epoch, int256 equity, uint256 maintenance
    );
    /// @notice Part of a failing account's position was sold to an order, or to the backstop; `vault`
    /// tells whether the counterparty is one. Size s8 (signed, the failing account's change), price p8,
    /// fee q6 to insurance.
    event PositionLiquidated(
        uint64 indexed account,
        uint32 indexed market,
        uint64 indexed counterparty,
        int256 size,
        uint64 price,
        uint256 fee,
        bool vault
    );
    /// @notice Order number `index` was passed over.
    event LiquidationOrderRejected(uint256 indexed index, Reason reason);
    /// @notice Insurance of a market moved by `change` (q6) to `balance`.
    event InsuranceMoved(uint32 indexed market, int256 change, uint256 balance);

    /// Equity is at or above maintenance margin.
    error NotLiquidatable(uint64 account, int256 equity, uint256 maintenance);
    /// An index or a scenario array that the account depends on is stale, or prices came back less
    /// than the grace period ago.
    error NoLiquidationNow(uint64 account);
    /// No order could be used.
    error NothingLiquidated(uint64 account);
    /// Orders can't take hedges apart: only the backstop takes over an account with options.
    error HoldsOptions(uint64 account);

    /// @notice Close positions of an account below maintenance margin against signed orders, in the
    /// order given, until equity is 1.25 of maintenance. Anyone. Cancels the account's orders first.
    /// An account with options is taken over by the backstop only.
    /// @param orders Packed as in `settleBatch`.
    function liquidate(uint64 account, bytes calldata orders) external;
}
