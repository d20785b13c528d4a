// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// The nouns of what happens when an account or a market fails, and of the circuit breakers. Units as
// in Types.sol.

/// The backstop of one market: a ring-fenced account that takes what nobody else does.
struct Vault {
    /// 0: the market has none.
    uint64 account;
    /// q6: it takes nothing more once its equity is this far below what was paid in.
    uint96 lossCap;
    /// q6: what was paid in less what was withdrawn.
    int96 contributed;
}

/// How a market's failing accounts are closed, and its breakers. One slot.
struct SafetyRules {
    /// ppm of a liquidation fill's notional, to insurance.
    uint24 liquidationFee;
    /// ppm of the mark: how far a liquidation fill's price may be from it.
    uint24 slippage;
    /// ppm of the notional: what an exit, or cancelling one, costs. To insurance.
    uint24 exitPenalty;
    /// ppm: a move of the index by more within `pauseWindow` pauses the market.
    uint24 pauseMove;
    /// Seconds without liquidations after prices came back.
    uint16 graceSeconds;
    /// Seconds in which a candidate for deleveraging may be outbid.
    uint16 deleverageDelay;
    /// Seconds between requesting an exit and the mark that it executes at.
    uint32 exitDelay;
    /// Seconds after that in which it must be executed.
    uint32 exitWindow;
    /// Seconds.
    uint32 pauseWindow;
    /// Seconds that a volatility pause lasts.
    uint32 pauseSeconds;
}

/// What the oracle has seen of a market's health. One slot.
struct MarketHealth {
    /// Seconds: when prices came back after they had been stale.
    uint40 resumedTime;
    /// Seconds: no fill but reducing ones before this.
    uint40 pausedUntil;
    /// Seconds: when the running volatility window began.
    uint40 anchorTime;
    /// p8: the index then.
    uint64 anchorIndex;
    /// Index of the newest bucket of index samples.
    uint40 newestBucket;
}

/// The last index report of one minute, linked to its neighbours. Bucket b covers the seconds
/// [60 b, 60 b + 60).
struct IndexSample {
    /// p8: the last index of the bucket; 0: no report in it.
    uint64 index;
    /// The bucket of the report before.
    uint40 previous;
    /// The bucket of the report after, 0 for the newest.
    uint40 next;
    /// p8: the mark that the bucket's first index report set.
    uint64 firstMark;
}

/// The end of a perpetual market: every position closes at one price. Two slots.
struct Closing {
    /// p8; 0: the market goes on.
    uint64 price;
    /// s8: long sizes that are not yet registered.
    uint64 longsLeft;
    /// s8: short sizes that are not yet registered.
    uint64 shortsLeft;
    /// q6: the cover of the claims: the claims and the dust of rounding, less what nobody paid.
    uint128 collected;
    /// q6: what winners are owed.
    uint128 claims;
}

/// One withdrawal limit. Two slots.
struct Limiter {
    /// Seconds in which a spent capacity comes back; 0: not in use.
    uint32 period;
    /// ppm of the custody.
    uint24 share;
    /// q6: the baseline is at least this.
    uint96 minimum;
    /// q6: deposits may lift the capacity up to this.
    uint96 cap;
    /// q6: what may leave now.
    uint128 capacity;
    /// Seconds: when the capacity was last moved.
    uint40 time;
}

/// A position whose owner asked to have it closed against the backstop.
struct ExitRequest {
    /// Seconds: when; 0: no request.
    uint40 time;
    /// s8, signed: the position then. No more is closed, for what was added since hasn't waited.
    int64 size;
}

/// Who is to be deleveraged against a bankrupt account's position.
struct Candidate {
    /// 0: none posted.
    uint64 counterparty;
    /// Seconds: when the first candidate was posted.
    uint40 time;
}
