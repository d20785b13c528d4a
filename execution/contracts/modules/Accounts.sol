// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Books} from "../Books.sol";
import {IAccounts} from "../interfaces/IAccounts.sol";
import {IERC20} from "../interfaces/IERC20.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {LimiterMath} from "../libraries/LimiterMath.sol";
import {TokenTransfer} from "../libraries/TokenTransfer.sol";
import {Limiter, Vault} from "../SafetyTypes.sol";
import {Account, SessionKey, Standing} from "../Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Accounts                                                                      │
│                                                                               │
│ Sub-accounts and what their owners do with them. Nothing here waits for an    │
│ operator, and neither a pause nor a market's status stops any of it. Only     │
│ collateral that leaves the books meets the withdrawal limits and the debt     │
│ gate; cash that moves between own accounts doesn't leave.                     │
──────────────────────────────────────────────────────────────────────────────*/
contract Accounts is IAccounts, Books {
    using FixedMath for int256;

    modifier onlyOwner(uint64 account) {
        if (address(this) != ROUTER) revert NotRouted();
        if (msg.sender != owners[account]) revert NotOwner(account, msg.sender);
        _;
    }

    /// @inheritdoc IAccounts
    function createAccount() external routed returns (uint64 account) {
        account = ++accountCount;
        owners[account] = msg.sender;
        accountsOf[msg.sender].push(account);
        emit AccountCreated(account, msg.sender);
    }

    /// @inheritdoc IAccounts
    function deposit(uint64 account, uint256 amount) external routed returns (uint256 credited) {
        if (owners[account] == address(0)) revert UnknownAccount(account);
        IERC20 token = IERC20(collateral);
        uint256 before = token.balanceOf(address(this));
        if (!TokenTransfer.pull(token, msg.sender, amount)) revert TokenRefused();
        credited = token.balanceOf(address(this)) - before;
        if (credited == 0) revert NothingMoved();
        _addCash(account, credited);
        _creditLimiters(credited);
        if (credited > type(uint128).max - custody) revert AmountTooLarge(credited);
        custody += uint128(credited);
        emit Deposited(account, msg.sender, credited);
    }

    /// @inheritdoc IAccounts
    function withdraw(uint64 account, uint256 amount, address to) external onlyOwner(account) {
        if (to == address(0)) revert ZeroAddress();
        // Whoever is first out must not leave a known loss to the others.
        if (reportedDebt > insuranceTotal) revert DebtGate(reportedDebt, insuranceTotal);
        _takeCash(account, amount);
        _spendLimiters(amount);
        custody -= uint128(amount);
        emit Withdrawn(account, to, amount);
        if (!TokenTransfer.push(IERC20(collateral), to, amount)) revert TokenRefused();
    }

    /// @inheritdoc IAccounts
    function moveCash(uint64 from, uint64 to, uint256 amount) external onlyOwner(from) {
        if (msg.sender != owners[to]) revert NotOwner(to, msg.sender);
        if (from == to) revert SameAccount(from);
        _takeCash(from, amount);
        _addCash(to, amount);
        emit CashMoved(from, to, amount);
    }

    /// @inheritdoc IAccounts
    function setMarginMode(uint64 account, uint8 mode) external onlyOwner(account) {
        if (mode > MODE_PORTFOLIO) revert BadMode(mode);
        Shelf memory shelf = _openShelf();
        Trader memory trader;
        _readTrader(trader, account);
        trader.state = trader.state.withMarginMode(mode);
        Standing memory standing = _assess(shelf, trader);
        if (standing.stale) revert OracleStale(account);
        if (standing.equity < int256(standing.initial)) {
            revert BelowInitial(standing.equity, standing.initial);
        }
        accounts[account].marginMode = mode;
        emit MarginModeSet(account, mode);
    }

    /// @inheritdoc IAccounts
    function setSessionKey(uint64 account, address key, uint40 expiry, uint64 perps)
        external
        onlyOwner(account)
    {
        if (key == address(0)) revert ZeroAddress();
        sessionKeys[account][key] =
            SessionKey({expiry: expiry, epoch: accounts[account].sessionEpoch, perps: perps});
        emit SessionKeySet(account, key, expiry, perps);
    }

    /// @inheritdoc IAccounts
    function revokeSessionKeys(uint64 account) external onlyOwner(account) {
        uint32 epoch = ++accounts[account].sessionEpoch;
        emit SessionKeysRevoked(account, epoch);
    }

    /// @inheritdoc IAccounts
    function cancelOrders(uint64 account, uint64[] calldata nonces) external routed {
        if (msg.sender != owners[account] && !_isLiveKey(account, msg.sender)) {
            revert NotOwner(account, msg.sender);
        }
        for (uint256 i = 0; i < nonces.length; i++) {
            uint256 key = (uint256(account) << 64) | (nonces[i] >> 2);
            orderFills[key] |= uint256(type(uint64).max) << ((nonces[i] & 3) * 64);
            emit OrderCancelled(account, nonces[i]);
        }
    }

    /// @inheritdoc IAccounts
    function cancelAllOrders(uint64 account) external onlyOwner(account) {
        uint32 epoch = ++accounts[account].orderEpoch;
        emit OrdersCancelled(account, epoch);
    }

    function _isLiveKey(uint64 account, address caller) private view returns (bool) {
        SessionKey memory key = sessionKeys[account][caller];
        return key.expiry >= block.timestamp && key.epoch == accounts[account].sessionEpoch
            && key.perps != 0;
    }

    /*──────────────────────────────── cash ───────────────────────────────*/

    function _addCash(uint64 account, uint256 amount) private {
        Account storage state = accounts[account];
        // Both terms are far below 2^255, so the sum is the true one.
        int256 cash = amount < 1 << 96 ? state.cash + int256(amount) : type(int256).max;
        if (!cash.fitsInt96()) revert AmountTooLarge(amount);
        state.cash = int96(cash);
        if (state.flags & FLAG_VAULT != 0) _contribute(account, int256(amount));
    }

    /// Takes what is withdrawable at the present marks. Withdrawable never exceeds cash, so cash
    /// stays at zero or more.
    function _takeCash(uint64 account, uint256 amount) private {
        if (amount == 0) revert NothingMoved();
        Standing memory standing = _standing(account);
        if (standing.stale) revert OracleStale(account);
        if (amount > standing.withdrawable) {
            revert AboveWithdrawable(amount, standing.withdrawable);
        }
        Account storage state = accounts[account];
        state.cash -= int96(int256(amount));
        if (state.flags & FLAG_VAULT != 0) _contribute(account, -int256(amount));
    }

    /// A vault's loss is counted from what was paid in: what its owner moves is no gain or loss.
    function _contribute(uint64 account, int256 change) private {
        Vault storage vault = vaults[vaultMarket[account]];
        int256 contributed = vault.contributed + change;
        if (!contributed.fitsInt96()) revert AmountTooLarge(change.abs());
        vault.contributed = int96(contributed);
    }

    /*──────────────────────────── withdrawal limits ──────────────────────*/

    /// Before `custody` grows: a limit refills toward what the books held before the operation.
    function _creditLimiters(uint256 amount) private {
        for (uint256 i = 0; i < limiters.length; i++) {
            Limiter memory limiter = limiters[i];
            if (limiter.period == 0) continue;
            uint256 capacity = LimiterMath.refill(limiter, custody, block.timestamp);
            _setCapacity(i, LimiterMath.deposit(capacity, limiter.cap, amount));
        }
    }

    /// Before `custody` falls. Every limit must have the amount left.
    function _spendLimiters(uint256 amount) private {
        for (uint256 i = 0; i < limiters.length; i++) {
            Limiter memory limiter = limiters[i];
            if (limiter.period == 0) continue;
            uint256 capacity = LimiterMath.refill(limiter, custody, block.timestamp);
            if (amount > capacity) revert LimiterSpent(i, capacity);
            _setCapacity(i, capacity - amount);
        }
    }

    /// A capacity is at most the larger of a uint96 and the custody, a uint128.
    function _setCapacity(uint256 which, uint256 capacity) private {
        (limiters[which].capacity, limiters[which].time) =
            (uint128(capacity), uint40(block.timestamp));
    }
}
