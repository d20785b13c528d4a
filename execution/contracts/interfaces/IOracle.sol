// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OptionReport} from "../OptionTypes.sol";
import {BookSample, PriceReport} from "../Types.sol";

/// @title Prices in, marks and funding out
/// @dev Reports are EIP-712 in the domain of the orders {name "ClearingHouse", version "1", chainId,
/// verifyingContract}, of type
/// `PriceReport(uint32 market,uint32 round,uint64 price,uint40 timestamp)` for an index and
/// `ExternalPriceReport(...)` with the same members for the external perpetual. A strike's inputs are
/// `OptionReport(uint32 strike,uint32 round,uint64 forward,uint64 discount,uint64 volatility,uint40 timestamp)`.
interface IOracle {
    event IndexReported(uint32 indexed market, uint32 round, uint64 index, uint40 timestamp);
    event ExternalReported(uint32 indexed market, uint32 round, uint64 price, uint40 timestamp);
    event MarkMoved(uint32 indexed market, uint64 mark);
    event FundingAccrued(uint32 indexed market, int96 fundingIndex, uint40 until);

    /// @notice The inputs of a strike: forward p8, discount and volatility wad.
    event OptionInputsReported(
        uint32 indexed strike, uint32 round, uint64 forward, uint64 discount, uint64 volatility, uint40 timestamp
    );
    /// @notice The index moved too far too fast: only reducing fills until then.
    event VolatilityPaused(uint32 indexed market, uint40 until);
    /// @notice Prices came back after they had been stale: no liquidations for the grace period.
    event PricesResumed(uint32 indexed market, uint40 time);

    error MarketUnknown(uint32 market);
    error RoundNotNew(uint32 round, uint32 last);
    error TimestampNotNew(uint40 timestamp, uint40 last);
    error TimestampInFuture(uint40 timestamp);
    error PriceOutOfBounds(uint64 price);
    /// Recovered from a report's signature; zero when it recovers to nobody.
    error NotASigner(address signer);
    error SignerTwice(address signer);
    error NotEnoughWeight(uint256 present, uint256 total);
    error StrikeUnknown(uint32 strike);
    error StrikeExpired(uint32 strike);
    /// A forward, discount or volatility that no option is priced with.
    error InputsOutOfBounds(uint64 forward, uint64 discount, uint64 volatility);
    error MarketClosed(uint32 market);
    error CrossedBook(uint64 bid, uint64 ask);

    /// @notice Relay one round of signed index reports. Anyone.
    /// @param round Larger than the market's last.
    /// @param reports One a signer; timestamps after the index's and not after now. More than half
    /// of all weight must be present. The index is their weighted median (p8), as old as the oldest.
    function reportPrice(uint32 market, uint32 round, PriceReport[] calldata reports) external;

    /// @notice Relay one round of signed prices of the external perpetual. As `reportPrice`.
    function reportExternalPrice(uint32 market, uint32 round, PriceReport[] calldata reports)
        external;

    /// @notice Relay one round of signed option inputs of a strike. As `reportPrice`; forward, discount
    /// and volatility are each the weighted median.
    function reportOptionInputs(uint32 strike, uint32 round, OptionReport[] calldata reports)
        external;

    /// @notice Post what the book looks like; one premium sample counts a slot of the funding
    /// interval, each moves the basis EMA. Matcher only.
    function postBookSample(uint32 market, BookSample calldata sample) external;

    /// @notice Book the funding of the whole intervals that have passed. Anyone.
    function accrueFunding(uint32 market) external;
}
