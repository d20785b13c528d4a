// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Bad debt, auto-deleveraging and the end of a market
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
    /// @notice A position ended with its market. `result` q6: a loss that was paid, or a gain that is
    /// now a claim.
    event PositionClosed(
        uint64 indexed account, uint32 indexed market, int64 size, int256 result
    );
    /// @notice A winner's claim (q6) and what of it was paid.
    event ClaimPaid(uint64 indexed account, uint32 indexed market, uint256 claim, uint256 paid);

    error NotBankrupt(uint64 account, int256 equity);
    /// The backstop and the insurance can still take this account.
    error BackstopFirst(uint64 account);
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
    /// A debt of an account without positions is paid from insurance as far as that goes.
    function reportDebt(uint64 account) external;

    /// @notice Add collateral (q6) of the caller to a market's insurance. Anyone.
    function fundInsurance(uint32 market, uint256 amount) external;

    /// @notice Name who is to be deleveraged against a bankrupt account's position. Anyone; a
    /// candidate gives way to one with a higher score, or with an equal score and a lower id.
    function proposeDeleverage(uint64 account, uint32 market, uint64 counterparty) external;

    /// @notice Execute the standing candidate at the bankruptcy price of the position. Anyone.
    function deleverage(uint64 account, uint32 market) external;

    /// @notice End a market: by anyone after 7 days without an index, by guardian or timelock at any
    /// time. Everything closes at the mean of the index over its last 30 minutes.
    /// @param bucket The newest bucket of the market's index samples.
    function closeMarket(uint32 market, uint40 bucket) external;

    /// @notice Register positions of a closed market: losers pay, winners get a claim. Anyone.
    function registerClosing(uint32 market, uint64[] calldata accounts) external;

    /// @notice Pay the winners of a closed market their share, once all positions are registered.
    function payClaims(uint32 market, uint64[] calldata accounts) external;
}
