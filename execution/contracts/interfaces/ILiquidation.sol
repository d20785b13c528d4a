// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Reason} from "../Types.sol";

/// @title Closing an account that fell below its maintenance margin, and leaving by the backstop
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
    event ExitRequested(uint64 indexed account, uint32 indexed market, uint40 time);
    /// @notice `penalty` q6, to insurance.
    event ExitCancelled(uint64 indexed account, uint32 indexed market, uint256 penalty);
    event ExitExecuted(
        uint64 indexed account, uint32 indexed market, int256 size, uint64 price, uint256 penalty
    );

    /// Equity is at or above maintenance margin.
    error NotLiquidatable(uint64 account, int256 equity, uint256 maintenance);
    /// An index or a scenario array that the account depends on is stale, or prices came back less
    /// than the grace period ago.
    error NoLiquidationNow(uint64 account);
    /// No order could be used.
    error NothingLiquidated(uint64 account);
    /// The market has no vault, or its loss cap or margin doesn't allow it to take the position.
    error BackstopUnable(uint32 market);
    /// The insurance can't cover what taking the position would leave missing (q6).
    error InsuranceTooSmall(uint32 market, uint256 missing);
    /// Orders can't take hedges apart: only the backstop takes over an account with options.
    error HoldsOptions(uint64 account);
    /// The exit would leave less equity than the rest of the account needs.
    error ExitRaisesRisk(uint64 account);
    error NoPosition(uint64 account, uint32 market);
    error ExitPending(uint64 account, uint32 market);
    error NoExit(uint64 account, uint32 market);
    error ExitTooEarly(uint40 executableFrom);
    error ExitExpired(uint40 until);
    /// The bucket isn't the first with a mark after the delay.
    error WrongBucket(uint40 bucket);

    /// @notice Close positions of an account below maintenance margin against signed orders, in the
    /// order given, until equity is 1.25 of maintenance. Anyone. Cancels the account's orders first.
    /// An account with options is taken over by the backstop only.
    /// @param orders Packed as in `settleBatch`.
    function liquidate(uint64 account, bytes calldata orders) external;

    /// @notice Let the backstop vaults take from an account below maintenance margin: positions in
    /// descending maintenance margin, or of an account with options the smallest fraction of
    /// everything, until equity is 1.25 of maintenance. Anyone.
    function takeOver(uint64 account) external;

    /// @notice Ask for an own position to be closed against the backstop. Owner only.
    function requestExit(uint64 account, uint32 market) external;

    /// @notice Take a request back, for the penalty. Owner only.
    function cancelExit(uint64 account, uint32 market) external;

    /// @notice Execute a request at the first mark after its delay, less the penalty. Anyone.
    /// @param bucket The first bucket with a mark that starts after the delay (see IndexSample).
    function executeExit(uint64 account, uint32 market, uint40 bucket) external;
}
