// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Accounts, their collateral, session keys and cancelling
interface IAccounts {
    event AccountCreated(uint64 indexed account, address indexed owner);
    event Deposited(uint64 indexed account, address indexed from, uint256 credited);
    event Withdrawn(uint64 indexed account, address indexed to, uint256 amount);
    event CashMoved(uint64 indexed from, uint64 indexed to, uint256 amount);
    event SessionKeySet(uint64 indexed account, address indexed key, uint40 expiry, uint64 perps);
    event SessionKeysRevoked(uint64 indexed account, uint32 epoch);
    event OrderCancelled(uint64 indexed account, uint64 nonce);
    event OrdersCancelled(uint64 indexed account, uint32 epoch);

    event MarginModeSet(uint64 indexed account, uint8 mode);

    error NotOwner(uint64 account, address caller);
    error UnknownAccount(uint64 account);
    error SameAccount(uint64 account);
    error ZeroAddress();
    /// Nothing arrived, or nothing was asked for.
    error NothingMoved();
    /// The collateral token said no, or returned no word of success.
    error TokenRefused();
    /// A position is open in a market whose index is stale, or a held series has a stale scenario
    /// array or waits for its settlement.
    error OracleStale(uint64 account);
    /// q6.
    error AboveWithdrawable(uint256 amount, uint256 withdrawable);
    /// A withdrawal limit has only this (q6) left.
    error LimiterSpent(uint256 limiter, uint256 capacity);
    /// Reported negative equity exceeds the insurance (q6 both).
    error DebtGate(uint256 debt, uint256 insurance);
    /// Equity would be below initial margin in that mode.
    error BelowInitial(int256 equity, uint256 initial);
    /// 0 is cross, 1 portfolio; nothing else.
    error BadMode(uint8 mode);
    /// The amount leaves what the books can hold.
    error AmountTooLarge(uint256 amount);

    /// @notice Open a sub-account of the caller's. It can't be given away.
    /// @return account Its id, from 1.
    function createAccount() external returns (uint64 account);

    /// @notice Move collateral (q6) from the caller into any account; credits what arrives and lifts
    /// the withdrawal limits by it. Nothing stops a deposit; one that can't be credited reverts whole.
    /// @return credited q6.
    function deposit(uint64 account, uint256 amount) external returns (uint256 credited);

    /// @notice Pay out collateral (q6) of an own account, at most what is withdrawable and what every
    /// withdrawal limit has left, unless reported debt exceeds the insurance.
    function withdraw(uint64 account, uint256 amount, address to) external;

    /// @notice Move cash (q6) between two own accounts, at most what is withdrawable. Collateral stays
    /// in the books, so neither limits nor the debt gate apply.
    function moveCash(uint64 from, uint64 to, uint256 amount) external;

    /// @notice Choose cross (0) or portfolio (1) margin for an own account, whose equity must reach
    /// initial margin in that mode.
    function setMarginMode(uint64 account, uint8 mode) external;

    /// @notice Let `key` trade for an own account until `expiry` (s, inclusive) in the perpetual
    /// markets whose bits are set. It can cancel too; it can never move collateral.
    function setSessionKey(uint64 account, address key, uint40 expiry, uint64 perps) external;

    /// @notice Void every session key of an own account.
    function revokeSessionKeys(uint64 account) external;

    /// @notice Cancel orders by nonce. By the owner or a live session key.
    function cancelOrders(uint64 account, uint64[] calldata nonces) external;

    /// @notice Cancel all orders of an own account by raising its order epoch.
    function cancelAllOrders(uint64 account) external;
}
