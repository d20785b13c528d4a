// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// The nouns of the margin engine, packed as they lie in storage. Units, as everywhere here:
//   p8   price, 1e-8 USD a base unit          s8   signed size, 1e-8 base
//   q6   quote, 1e-6 USD, the token's unit    ppm  parts in a million
//   r12  funding rate of 8 h, 1e-12           f12  funding index, 1e-12 USD a base unit

/// What may be done in a market. Each status after Active is tighter than the one before it.
enum MarketStatus {
    Unlisted,
    Active,
    /// Fills may only reduce positions.
    ReduceOnly,
    /// As ReduceOnly, and the funding rate is zero.
    Halted,
    /// Nothing trades any more: every position closes at one price. It never ends.
    Closed
}

/// Who may do what beyond an owner's own accounts.
enum Role {
    /// Signers, roles, fees, parameters, listing: the Governance predeploy, which waits.
    Timelock,
    /// Pauses and tightens.
    Guardian,
    /// Settles fills and posts book samples.
    Matcher
}

/// Why a fill was not settled. The numbers are part of the interface: append only.
enum Reason {
    None,
    MalformedFill,
    MalformedOrder,
    UnknownAccount,
    BadSignature,
    SignerNotAllowed,
    OrderExpired,
    WrongEpoch,
    MarketMismatch,
    UnknownMarket,
    SameSide,
    SelfTrade,
    ZeroSize,
    OffLot,
    OffTick,
    NoClearingPrice,
    LimitExceeded,
    OrderCancelled,
    OrderOverfilled,
    PostOnlyWouldTake,
    ImmediateWouldRest,
    FeeAboveMaximum,
    OutsidePriceBand,
    NotReducing,
    MarketReduceOnly,
    OracleStale,
    OpenInterestCap,
    FieldOverflow,
    TakerMargin,
    MakerMargin,
    /// The account's scenario arrays are older than a minute, or their underlying has moved.
    SeriesStale,
    SeriesExpired,
    /// The account would hold more series than a margin check may read.
    TooManySeries,
    /// A backstop vault trades only in its own market.
    RingFenced,
    /// The market has ended.
    MarketClosed,
    /// Not the market whose position needs the most maintenance margin.
    NotLargestPosition,
    /// Worse for the failing account than the mark less the slippage bound, or than bankruptcy.
    WorseThanBound,
    /// The failing account needs no further fill.
    AlreadySafe
}

/// One sub-account: one slot.
struct Account {
    /// Collateral, q6. Negative when losses were realised against unrealised gains.
    int96 cash;
    /// Bit i: a position in perpetual market i.
    uint64 perps;
    /// Bit 0: a backstop vault.
    uint8 flags;
    /// 0 cross, 1 portfolio. An account with options is in portfolio margin whatever this says.
    uint8 marginMode;
    /// Which of a market's four fee lanes applies.
    uint8 feeTier;
    /// Held option series.
    uint8 options;
    /// Every signed order carries it in the upper half of its nonce.
    uint32 orderEpoch;
    /// Session keys of an older epoch are void.
    uint32 sessionEpoch;
}

/// A key that may trade for an account, never move its collateral.
struct SessionKey {
    /// Last second of validity.
    uint40 expiry;
    /// The account's session epoch when the key was set.
    uint32 epoch;
    /// Bit i: may trade perpetual market i.
    uint64 perps;
}

/// One perpetual position: one slot.
struct Position {
    /// s8, below 2^63 in magnitude.
    int64 size;
    /// q6: what was paid (long, positive) or received (short, negative) for the size.
    int96 cost;
    /// f12: the market's funding index when funding was last settled.
    int96 funding;
}

struct MarketPrice {
    /// p8: what positions are valued at.
    uint64 mark;
    /// p8: the oracle's weighted median.
    uint64 index;
    /// Seconds: the oldest report behind the index.
    uint40 indexTime;
    /// Seconds: when the mark last moved.
    uint40 markTime;
    MarketStatus status;
    /// Oracle round of the index.
    uint32 round;
}

struct MarketFlow {
    /// f12: what a long of one base unit has paid since listing.
    int96 fundingIndex;
    /// s8: sum of the long sizes.
    uint64 openInterest;
    /// Seconds: start of the running funding interval.
    uint40 fundingTime;
}

struct FundingState {
    /// q6: remainders of funding payments.
    int128 pool;
    /// r12: sum of the running interval's premium samples.
    int64 premiumSum;
    /// Samples are numbered from one in an interval; the last one taken.
    uint16 lastSample;
}

struct MarketRules {
    /// p8.
    uint64 tick;
    /// s8.
    uint64 lot;
    /// ppm of notional: initial margin at low open interest.
    uint24 imf;
    /// ppm of notional: maintenance margin.
    uint24 mmf;
    /// ppm: where a rise of `mmf` started.
    uint24 mmfFrom;
    /// Seconds: when that rise started.
    uint40 mmfTime;
    /// Seconds after which an index is stale.
    uint16 staleSeconds;
}

struct MarketCaps {
    /// s8: initial margin starts to rise here.
    uint64 oiLow;
    /// s8: initial margin is 100% from here.
    uint64 oiHigh;
    /// s8: open interest may not grow above it.
    uint64 oiCap;
    /// ppm of the mark: how far a fill's price may be from it.
    uint24 priceBand;
    /// ppm of the index: how far the mark may be from it.
    uint24 markBand;
    /// Fills at the batch's clearing price instead of the maker's.
    bool auction;
}

struct FundingRules {
    /// r12: I.
    int64 interest;
    /// r12: CL.
    uint64 interestClamp;
    /// r12: CAP.
    uint64 cap;
    /// Seconds.
    uint32 interval;
    /// Samples an interval.
    uint16 samples;
    /// At most so many intervals accrue at once.
    uint16 maxIntervals;
}

struct BookState {
    /// p8 * s * 1e18: numerator of the basis EMA.
    int192 basis;
    /// Seconds: when the last sample with both sides came (listing, before the first).
    uint40 basisTime;
    /// s * 1e18: denominator of the basis EMA.
    uint128 weight;
    /// p8: median of best bid, best ask and last price; 0 when one is missing.
    uint64 median;
    /// p8: price of the external perpetual; 0 when there was none.
    uint64 external_;
    /// Seconds: when the last sample came.
    uint40 sampleTime;
    /// Seconds: the oldest report behind `external_`.
    uint40 externalTime;
    /// Oracle round of `external_`.
    uint32 externalRound;
}

/// A perpetual market. Each member starts a slot.
struct Market {
    MarketPrice price;
    MarketFlow flow;
    FundingState funding;
    MarketRules rules;
    MarketCaps caps;
    FundingRules fundingRules;
    BookState book;
    /// ppm, signed: taker and maker fee of tier 0, then of tiers 1, 2 and 3.
    int32[8] fees;
}

/// What a market is listed with.
struct MarketConfig {
    MarketRules rules;
    MarketCaps caps;
    FundingRules fundingRules;
    int32[8] fees;
}

struct OracleSigner {
    /// 0: not a signer.
    uint32 weight;
    /// Its bit among the signers.
    uint8 index;
}

/// One signed oracle report; market and round are the call's. See IOracle for the digest.
struct PriceReport {
    /// p8.
    uint64 price;
    /// Seconds.
    uint40 timestamp;
    uint8 v;
    bytes32 r;
    bytes32 s;
}

/// What the matcher saw in its book; p8, 0 for a missing side.
struct BookSample {
    uint64 impactBid;
    uint64 impactAsk;
    uint64 bid;
    uint64 ask;
    uint64 last;
}

/// An account's standing at the present marks, q6.
struct Standing {
    /// cash + sum of uPnL + unsettled funding + value of options.
    int256 equity;
    /// Initial margin.
    uint256 initial;
    /// Maintenance margin.
    uint256 maintenance;
    /// What may leave.
    uint256 withdrawable;
    /// Whether some market it has a position in has a stale index, or some series a stale array.
    bool stale;
}

/// A perpetual position with its market's prices and fractions, for what-if questions.
struct PerpInput {
    /// s8.
    int256 size;
    /// q6.
    int256 cost;
    /// p8.
    uint256 mark;
    /// f12: funding accrued since it was last settled.
    int256 fundingDelta;
    /// ppm.
    uint256 imf;
    /// ppm.
    uint256 mmf;
}
