// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

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

    /// The configuration contradicts itself; `field` names where.
    error BadConfig(string field);
    /// The guardian may only tighten.
    error Loosens();
    error TooManyMarkets();
    error TooManySigners();
    /// q6.
    error AboveFeeFund(uint256 amount, uint256 available);

    /// @notice Give a role to another holder. Timelock only.
    function setRole(Role role, address holder) external;

    /// @notice Add an oracle signer, change its weight, or remove it with weight 0. Timelock only.
    function setOracleSigner(address signer, uint32 weight) external;

    /// @notice List the next perpetual market, for fills that reduce until it is opened; its mark
    /// is 0 until the first report. Timelock only.
    function listMarket(MarketConfig calldata config) external returns (uint32 market);

    /// @notice Change a market's grid, margin fractions and staleness. A higher maintenance
    /// fraction comes in a line over 24 h. Timelock only.
    function setMarketRules(uint32 market, MarketRules calldata rules) external;

    /// @notice Change a market's open-interest bounds and bands. Timelock only.
    function setMarketCaps(uint32 market, MarketCaps calldata caps) external;

    /// @notice Change a market's funding parameters, after accruing up to now. Timelock only.
    function setFundingRules(uint32 market, FundingRules calldata rules) external;

    /// @notice Change a market's fee lanes (ppm). Timelock only.
    function setMarketFees(uint32 market, int32[8] calldata fees) external;

    /// @notice Set a market's status. Timelock only.
    function setMarketStatus(uint32 market, MarketStatus status) external;

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
}
