// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The backstop vaults: what takes over failing accounts, and by which anybody may leave
interface IBackstop {
    event ExitRequested(uint64 indexed account, uint32 indexed market, uint40 time);
    /// @notice `penalty` q6, to insurance.
    event ExitCancelled(uint64 indexed account, uint32 indexed market, uint256 penalty);
    event ExitExecuted(
        uint64 indexed account, uint32 indexed market, int256 size, uint64 price, uint256 penalty
    );

    /// The market has no vault, or its loss cap or margin doesn't allow it to take the position.
    error BackstopUnable(uint32 market);
    /// The insurance can't cover what taking the position would leave missing (q6).
    error InsuranceTooSmall(uint32 market, uint256 missing);
    /// What the account lost in this market, which has ended, is to be registered first
    /// (`registerClosing`).
    error ClosingFirst(uint64 account, uint32 market);
    /// The index is stale, or a scenario array that the market's vault depends on.
    error ExitStale(uint32 market);
    /// The exit would leave less equity than the rest of the account needs.
    error ExitRaisesRisk(uint64 account);
    error NoPosition(uint64 account, uint32 market);
    error ExitPending(uint64 account, uint32 market);
    error NoExit(uint64 account, uint32 market);
    error ExitTooEarly(uint40 executableFrom);
    error ExitExpired(uint40 until);
    /// The bucket isn't the first with a mark after the delay.
    error WrongBucket(uint40 bucket);

    /// @notice Let the backstop vaults take from an account below maintenance margin: positions in
    /// descending maintenance margin, or of an account with options the smallest fraction of
    /// everything, until equity is 1.25 of maintenance. Anyone. What no vault can take is left out,
    /// and what it has lost itself is left with it, as far as the account owes it. An account that is
    /// too large for one call takes several: each from the most maintenance margin down.
    function takeOver(uint64 account) external;

    /// @notice Ask for an own position to be closed against the backstop, as large as it is now. Owner
    /// only.
    function requestExit(uint64 account, uint32 market) external;

    /// @notice Take a request back, for the penalty. Owner only.
    function cancelExit(uint64 account, uint32 market) external;

    /// @notice Execute a request at the first mark after its delay, less the penalty: of the position
    /// no more than there was when it was made. Anyone.
    /// @param bucket The first bucket with a mark that starts after the delay (see IndexSample).
    function executeExit(uint64 account, uint32 market, uint40 bucket) external;
}
