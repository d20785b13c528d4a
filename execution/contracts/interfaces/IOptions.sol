// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Option series: pricing and expiry
interface IOptions {
    /// @notice A series' scenario array was computed. `value` and `spot` (the index) p8.
    event SeriesPriced(uint32 indexed series, uint64 value, uint64 spot);
    /// @notice The settlement price (p8) of all series of an underlying with one expiry.
    event SettlementFixed(uint32 indexed underlying, uint40 expiry, uint64 price);
    /// @notice A holding ended: `size` s8, `payoff` q6 to cash (negative for a short).
    event OptionSettled(
        uint64 indexed account, uint32 indexed series, int64 size, int256 payoff
    );
    /// @notice Insurance paid `covered` (q6) of what a short could not; `missing` is left to the longs.
    event ExpiryShortfall(
        uint64 indexed account, uint32 indexed series, uint256 covered, uint256 missing
    );

    error SeriesUnknown(uint32 series);
    error SeriesExpired(uint32 series);
    error SeriesNotExpired(uint32 series);
    /// The index or the inputs are stale.
    error InputsStale(uint32 series);
    /// A number of the array leaves its 48 bits.
    error ArrayOverflow(uint32 series);
    error AlreadyFixed(uint32 underlying, uint40 expiry);
    error NotFixed(uint32 underlying, uint40 expiry);
    /// No such expiry has come: `expiry` lies ahead or not on the minute.
    error NotExpired(uint32 underlying, uint40 expiry);
    /// The short can't pay by prices that are stale; whether it can is judged at fresh ones, or a
    /// week after the expiry at these.
    error JudgedWhenFresh(uint64 account);
    /// The bucket isn't the newest one that ended before the sampling window's end.
    error WrongBucket(uint40 bucket);
    /// Longs are paid once every short has paid.
    error ShortsFirst(uint32 series, uint64 shortsLeft);

    /// @notice Compute the scenario arrays of series from the oracle's inputs and the index. Anyone.
    /// One that was computed in this second already is left as it is.
    /// @dev The index and the inputs must be younger than the underlying's `staleSeconds`.
    function priceSeries(uint32[] calldata series) external;

    /// @notice Fix the settlement price of an expiry: floor of the mean of the index at the 30 points
    /// of the minute grid that end with the expiry, the last report carried forward. Anyone.
    /// Points before the market's first report don't count. Where the underlying closed before the
    /// expiry it is the closing price, and needn't wait.
    /// @param bucket The newest bucket with a report that ended by the expiry (see IndexSample); of
    /// no meaning in a market that closed before.
    function fixSettlement(uint32 underlying, uint40 expiry, uint40 bucket) external;

    /// @notice Settle holdings of an expired series. Anyone. Shorts pay first; a long is paid once
    /// all have, its share of what came in. An account without a holding is passed over.
    /// @dev A short pays as far as its equity without the holding goes. Insurance of the underlying
    /// covers what is left as far as it goes, and what it can't cover reduces every long in the same
    /// proportion. Other options of the short count at their payoff where their settlement is fixed,
    /// and at their arrays' value elsewhere.
    function settleOptions(uint32 series, uint64[] calldata holders) external;
}
