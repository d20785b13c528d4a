// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OptionInputs, OptionRules, Series, Strike} from "../OptionTypes.sol";
import {
    Candidate,
    Closing,
    IndexSample,
    Limiter,
    MarketHealth,
    SafetyRules,
    Vault
} from "../SafetyTypes.sol";
import {
    Account,
    Market,
    OracleSigner,
    PerpInput,
    Position,
    Role,
    SessionKey,
    Standing
} from "../Types.sol";

/// @title The books, and the formulas of perpetuals on given inputs
/// @dev Formulas run the library code that the books run. IFormulas has the others.
interface IReads {
    /// @return owner Zero when there is no such account.
    function getAccount(uint64 account)
        external
        view
        returns (address owner, Account memory state);

    function getAccountsOf(address owner) external view returns (uint64[] memory);

    function getPosition(uint64 account, uint32 market) external view returns (Position memory);

    /// @notice All open positions of an account, by market id.
    function getPositions(uint64 account)
        external
        view
        returns (uint32[] memory ids, Position[] memory open);

    function getMarket(uint32 market) external view returns (Market memory);

    function getMarketCount() external view returns (uint32);

    function getSessionKey(uint64 account, address key) external view returns (SessionKey memory);

    /// @notice s8 filled under a nonce, or 2^64 - 1 once cancelled.
    function getFilled(uint64 account, uint64 nonce) external view returns (uint64);

    function getRole(Role role) external view returns (address);

    function getOracleSigners()
        external
        view
        returns (address[] memory signers, OracleSigner[] memory entries, uint64 totalWeight);

    /// @return token The collateral. @return held q6 the books account for. @return fees q6.
    function getCustody() external view returns (address token, uint256 held, uint256 fees);

    function isPaused() external view returns (bool);

    /// @notice Held series and their sizes (s8).
    function getHoldings(uint64 account)
        external
        view
        returns (uint32[] memory series, int64[] memory sizes);

    function getStrikeCount() external view returns (uint32);

    /// @param strike An even id.
    function getStrike(uint32 strike)
        external
        view
        returns (Strike memory terms, OptionInputs memory inputs);

    /// @notice A series' books and its scenario array: PnL a unit p8, value p8, seconds, index p8.
    function getSeries(uint32 series)
        external
        view
        returns (
            Series memory book,
            int256[24] memory pnl,
            uint256 value,
            uint256 time,
            uint256 spot
        );

    /// @return p8; 0 until it is fixed.
    function getSettlement(uint32 underlying, uint40 expiry) external view returns (uint64);

    function getOptionRules(uint32 underlying) external view returns (OptionRules memory);

    function getSafety(uint32 market)
        external
        view
        returns (
            SafetyRules memory rules,
            MarketHealth memory state,
            Vault memory vault,
            uint256 insured
        );

    function getIndexSample(uint32 market, uint40 bucket)
        external
        view
        returns (IndexSample memory);

    function getClosing(uint32 market) external view returns (Closing memory);

    /// @return q6.
    function getClaim(uint64 account, uint32 market) external view returns (uint256);

    function getLimiter(uint256 which) external view returns (Limiter memory);

    /// @notice Sum of all insurance, reported negative equity, and of it the account's, q6.
    function getDebt(uint64 account)
        external
        view
        returns (uint256 insured, uint256 reported, uint256 own);

    /// @return time Seconds of the exit request, 0: none.
    function getExit(uint64 account, uint32 market) external view returns (uint40 time);

    function getCandidate(uint64 account, uint32 market) external view returns (Candidate memory);

    /// @notice What an account in portfolio margin gains (q6) in each of the 24 scenarios of each
    /// underlying that it holds anything of, in the order of Scenarios.sol; a closed market is none.
    /// Empty for an account in cross margin.
    function scenarioLosses(uint64 account)
        external
        view
        returns (uint32[] memory underlyings, int256[24][] memory pnl);

    /// @notice Equity of an account, q6, with funding up to the last whole interval.
    function equity(uint64 account) external view returns (int256);

    /// @notice Equity, margins and withdrawable of an account, q6.
    function requirements(uint64 account) external view returns (Standing memory);

    /// @notice The fractions (ppm) in force in a listed market at its present open interest.
    function marginFractions(uint32 market) external view returns (uint256 imf, uint256 mmf);

    /// @notice EIP-712 domain separator of orders and reports.
    function domainSeparator() external view returns (bytes32);

    /// @notice EIP-712 digest that an order's signer signs.
    function orderDigest(
        uint64 account,
        uint32 market,
        bool isBuy,
        uint64 size,
        uint64 price,
        int32 maxFeePpm,
        uint8 flags,
        uint64 nonce,
        uint40 expiry
    ) external view returns (bytes32);

    /// @notice Notional of a fill and both fees; size s8, price p8, rates ppm, results q6.
    function fillFees(uint64 size, uint64 price, int32 takerPpm, int32 makerPpm)
        external
        pure
        returns (uint256 notional, int256 takerFee, int256 makerFee);

    /// @notice A position (s8, q6) after trading `delta` (s8) at `price` (p8).
    /// @return newSize s8. @return newCost q6. @return realised q6 to cash.
    function applyTrade(int256 size, int256 cost, int256 delta, uint256 price)
        external
        pure
        returns (int256 newSize, int256 newCost, int256 realised);

    /// @notice Premium sample, r12.
    function premiumSample(uint256 bid, uint256 ask, uint256 index, uint256 cap)
        external
        pure
        returns (int256);

    /// @notice Funding rate of 8 h, r12.
    function fundingRate(int256 mean, int256 interest, uint256 interestClamp, uint256 cap)
        external
        pure
        returns (int256);

    /// @notice Change of the funding index, f12, over `elapsed` seconds.
    function fundingDelta(int256 rate, uint256 index, uint256 elapsed)
        external
        pure
        returns (int256);

    /// @notice Funding to cash, q6, of a position (s8) over a change (f12) of the index.
    function fundingPayment(int256 size, int256 delta) external pure returns (int256);

    /// @notice Weighted median of prices, p8.
    function indexPrice(uint256[] calldata prices, uint256[] calldata weights)
        external
        pure
        returns (uint256);

    /// @notice floor(e^(-elapsed / 150 s) * 1e18).
    function basisDecay(uint256 elapsed) external pure returns (uint256);

    /// @notice One sample of the basis EMA; see MarkMath.
    function basisStep(int256 numerator, uint256 denominator, int256 sample, uint256 elapsed)
        external
        pure
        returns (int256 newNumerator, uint256 newDenominator, int256 basis);

    /// @notice The mark from its parts, p8; see MarkMath.
    function markPrice(uint256 index, int256 basis, uint256 book, uint256 external_, uint256 band)
        external
        pure
        returns (uint256);

    /// @notice Initial margin fraction at an open interest, ppm.
    function initialFraction(uint256 base, uint256 low, uint256 high, uint256 oi)
        external
        pure
        returns (uint256);

    /// @notice Maintenance fraction `elapsed` seconds after it was raised, ppm.
    function maintenanceFraction(uint256 from, uint256 to, uint256 elapsed)
        external
        pure
        returns (uint256);

    /// @notice Standing of a hypothetical cross account with `cash` (q6) and `perps`.
    function standing(int256 cash, PerpInput[] calldata perps)
        external
        pure
        returns (Standing memory);
}
