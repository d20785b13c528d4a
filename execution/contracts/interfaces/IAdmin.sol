// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OptionRules} from "../OptionTypes.sol";
import {SafetyRules} from "../SafetyTypes.sol";
import {FundingRules, MarketCaps, MarketConfig, MarketRules, MarketStatus, Role} from "../Types.sol";

/// @title What the timelock sets and the guardian tightens
interface IAdmin {
    event RoleSet(Role indexed role, address holder);
    event OracleSignerSet(address indexed signer, uint32 weight);
    event MarketListed(uint32 indexed market);
    event MarketChanged(uint32 indexed market);
    event FeeTierSet(uint64 indexed account, uint8 tier);
    event FeesCollected(address indexed to, uint256 amount);
    event PauseSet(bool paused);

    event StrikeListed(
        uint32 indexed strike, uint32 indexed underlying, uint40 expiry, uint64 price
    );
    event VaultOpened(uint32 indexed market, uint64 account);
    event LimiterSet(uint256 indexed limiter);

    /// The configuration contradicts itself; `field` names where.
    error BadConfig(string field);
    /// The guardian may only tighten.
    error Loosens();
    error TooManyMarkets();
    error TooManyStrikes();
    error TooManySigners();
    /// q6.
    error AboveFeeFund(uint256 amount, uint256 available);

    /// @notice Give a role to another holder. Timelock only. The backstop vaults go with the timelock.
    function setRole(Role role, address holder) external;

    /// @notice Add an oracle signer, change its weight, or remove it with weight 0. Timelock only.
    function setOracleSigner(address signer, uint32 weight) external;

    /// @notice List the next perpetual market, for fills that reduce until it is opened; its mark
    /// is 0 until the first report. Timelock only.
    function listMarket(MarketConfig calldata config) external returns (uint32 market);

    /// @notice Change a market's grid, margin fractions and staleness. A higher maintenance
    /// fraction comes in a line over 24 h. Timelock only. Refused when liquidations could then not
    /// help an account (see `setSafetyRules`).
    function setMarketRules(uint32 market, MarketRules calldata rules) external;

    /// @notice Change a market's open-interest bounds and bands. Timelock only.
    function setMarketCaps(uint32 market, MarketCaps calldata caps) external;

    /// @notice Change a market's funding parameters, after accruing up to now. Timelock only.
    function setFundingRules(uint32 market, FundingRules calldata rules) external;

    /// @notice Change a market's fee lanes (ppm). Timelock only.
    function setMarketFees(uint32 market, int32[8] calldata fees) external;

    /// @notice Set a market's status. Timelock only. See IInsolvency for closing one.
    function setMarketStatus(uint32 market, MarketStatus status) external;

    /// @notice How failing accounts of a market are closed, and its breakers. Timelock only. Refused
    /// when fee + slippage >= 1.25 of the maintenance fraction: no fill could then help an account.
    function setSafetyRules(uint32 market, SafetyRules calldata rules) external;

    /// @notice How options on an underlying trade; the grid may only become finer. Timelock only.
    function setOptionRules(uint32 underlying, OptionRules calldata rules) external;

    /// @notice List a call and a put; the pair never changes. Timelock only. Two strikes that are
    /// alike don't cover each other in margin.
    /// @param expiry Seconds, on the minute, within three years. @param price p8, on the option tick,
    /// from 0.01 USD to below 2^47.
    /// @return strike The call's id; the put's is one higher.
    function listStrike(uint32 underlying, uint40 expiry, uint64 price)
        external
        returns (uint32 strike);

    /// @notice Open a market's backstop vault: an account of the timelock's. Timelock only.
    function openVault(uint32 market, uint96 lossCap) external returns (uint64 account);

    /// @notice How much a vault may lose (q6) of what was paid in. Timelock only.
    function setLossCap(uint32 market, uint96 lossCap) external;

    /// @notice Set withdrawal limit number `which`, 0 to 3; period 0 switches it off. Its capacity
    /// starts at its baseline when it was off, and else stays what it is. Timelock only. Period s, at
    /// most a week; share ppm, at least 1%; the rest q6, the minimum at least 1 USD.
    function setLimiter(uint256 which, uint32 period, uint24 share, uint96 minimum, uint96 cap)
        external;

    /// @notice Which fee lane an account has, 0 to 3. Timelock only.
    function setFeeTier(uint64 account, uint8 tier) external;

    /// @notice Pay out fees (q6). Timelock only.
    function collectFees(address to, uint256 amount) external;

    /// @notice Only reducing fills from here, in every market. Guardian only. Withdrawals,
    /// deposits and cancelling go on.
    function pause() external;

    /// @notice End a pause. Timelock only.
    function unpause() external;

    /// @notice Tighten a market: a later status, a lower cap (s8), a narrower band (ppm). Guardian
    /// only.
    function tightenMarket(uint32 market, MarketStatus status, uint64 oiCap, uint24 priceBand)
        external;

    /// @notice Tighten a withdrawal limit, or switch one on: a longer period, a lower share, minimum
    /// and cap, and a cap within the minimum; its capacity falls to its baseline. From then on it never
    /// lets leave what it would not have before. Guardian only.
    function tightenLimiter(
        uint256 which,
        uint32 period,
        uint24 share,
        uint96 minimum,
        uint96 cap
    ) external;

    /// @notice Lower a vault's loss cap (q6). Guardian only.
    function tightenVault(uint32 market, uint96 lossCap) external;
}
