// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// The nouns of options. Units as in Types.sol; wad is 1e-18. A series is a market with an id of 64
// or more: an even id is the call of a strike, the odd id after it the put. A strike is named by its
// even id.

/// A registered strike: one call and one put. Everything but the round never changes.
struct Strike {
    /// The perpetual market whose index it settles against.
    uint32 underlying;
    /// Seconds, a multiple of the sampling grid.
    uint40 expiry;
    /// p8; 0: not registered.
    uint64 price;
    /// Oracle round of the inputs.
    uint32 round;
}

/// What the oracle says of a strike.
struct OptionInputs {
    /// p8: forward price of the underlying for the expiry.
    uint64 forward;
    /// wad: discount factor to the expiry.
    uint64 discount;
    /// wad: annual volatility.
    uint64 volatility;
    /// Seconds: the oldest report behind them.
    uint40 time;
}

/// One series' contracts and what their expiry has moved so far.
struct Series {
    /// s8: sum of the long sizes, 0 once every long was paid.
    uint64 openInterest;
    /// s8: sum of the short sizes not yet settled.
    uint64 shortsLeft;
    /// q6: what shorts and insurance have paid in, less what longs were paid.
    int128 pool;
}

/// An expiry of one underlying, fixed once.
struct Expiry {
    /// p8: mean of the index over the last 30 minutes; 0 until it is fixed.
    uint64 settlement;
}

/// How options on one underlying trade.
struct OptionRules {
    /// p8.
    uint64 tick;
    /// s8; 0: no options on this underlying.
    uint64 lot;
    /// s8: open interest of a series may not grow above it.
    uint64 oiCap;
    /// ppm of the index: how far a fill's price may be from the series' value.
    uint24 priceBand;
}

/// One signed report of a strike's inputs; strike and round are the call's. See IOracle.
struct OptionReport {
    /// p8.
    uint64 forward;
    /// wad.
    uint64 discount;
    /// wad.
    uint64 volatility;
    /// Seconds.
    uint40 timestamp;
    uint8 v;
    bytes32 r;
    bytes32 s;
}

/// A held series with its scenario array, for what-if questions.
struct OptionInput {
    /// s8.
    int256 size;
    /// Which of the underlyings given beside it.
    uint256 underlying;
    bool isPut;
    /// p8.
    uint256 strike;
    /// Seconds; 0 settles at once.
    uint256 secondsLeft;
    /// Tells strikes with one price but different expiries apart.
    uint256 expiry;
    /// p8.
    uint256 forward;
    /// wad.
    uint256 discount;
    /// wad.
    uint256 volatility;
}
