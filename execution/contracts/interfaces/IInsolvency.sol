// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Bad debt, auto-deleveraging and the end of a market
/// @dev A closed market whose early winners were paid more than its losers and insurance could is a
/// debtor too, under the account id 2^64 - 1 - market.
interface IInsolvency {
    /// @notice The reported negative equity (q6) of an account is now `debt`, of all `total`.
    event DebtReported(uint64 indexed account, uint256 debt, uint256 total);
    event InsuranceFunded(uint32 indexed market, address indexed from, uint256 amount);
    event DeleverageProposed(
        uint64 indexed account, uint32 indexed market, uint64 indexed counterparty, uint256 score
    );
    /// @notice Size s8 (signed, the bankrupt account's change), price p8.
    event Deleveraged(
        uint64 indexed account,
        uint32 indexed market,
        uint64 indexed counterparty,
        int256 size,
        uint64 price
    );
    event MarketClosed(uint32 indexed market, uint64 price);
    /// @notice A position was registered at its market's end. `result` q6: a loss, with which the
    /// position is gone, or a gain, which is now a claim, and the position stays until it is paid.
    event PositionClosed(
        uint64 indexed account, uint32 indexed market, int64 size, int256 result
    );
    /// @notice A winner's claim (q6) and what of it was paid.
    event ClaimPaid(uint64 indexed account, uint32 indexed market, uint256 claim, uint256 paid);

    error NotBankrupt(uint64 account, int256 equity);
    /// The backstop and the insurance can still take this account.
    error BackstopFirst(uint64 account);
    /// No gain on the other side, no equity, or not enough of it to stay at zero or more.
    error NotACounterparty(uint64 account, uint32 market);
    error NotBetter(uint64 standing, uint64 proposed);
    error NoCandidate(uint64 account, uint32 market);
    error CandidateTooYoung(uint40 executableFrom);
    error MarketAlive(uint32 market);
    error MarketNotClosed(uint32 market);
    /// Winners are paid once every position is registered.
    error PositionsLeft(uint32 market, uint64 longs, uint64 shorts);
    error WrongBucket(uint40 bucket);

    /// @notice Bring the reported negative equity of an account up to date, either way. Anyone.
    /// A debt of an account without positions is paid from insurance as far as that goes. Stale prices
    /// count as they are last known, so that a deposit can always clear a report.
    function reportDebt(uint64 account) external;

    /// @notice Add collateral (q6) of the caller to a market's insurance. Anyone.
    function fundInsurance(uint32 market, uint256 amount) external;

    /// @notice Name who is to be deleveraged against a bankrupt account's position. Anyone; a
    /// candidate gives way to one with a higher score, or with an equal score and a lower id, and one
    /// who is no counterparty any more to anybody, with a new delay.
    /// @param market A perpetual market, or a series of which the bankrupt account is short.
    function proposeDeleverage(uint64 account, uint32 market, uint64 counterparty) external;

    /// @notice Execute the standing candidate at the bankruptcy price of the position, once the delay
    /// has passed. Anyone. Nobody pays a fee. A candidate that nobody executed for ten minutes after its
    /// delay is only named anew, for another delay in which it may be outbid.
    function deleverage(uint64 account, uint32 market) external;

    /// @notice End a market: by anyone after 7 days without an index, by guardian or timelock at any
    /// time. Everything closes at the mean of the index over its last 30 minutes; funding accrues up
    /// to now.
    /// @param bucket The newest bucket of the market's index samples.
    function closeMarket(uint32 market, uint40 bucket) external;

    /// @notice Register positions of a closed market: losers pay, winners get a claim. Anyone. What
    /// leaves a loser below zero comes from the market's insurance, then lowers what winners get.
    /// An account without a position, or registered before, is passed over.
    function registerClosing(uint32 market, uint64[] calldata accounts) external;

    /// @notice Pay the winners of a closed market their share, once all positions are registered.
    /// Anyone. An account without a claim is passed over.
    function payClaims(uint32 market, uint64[] calldata accounts) external;
}
