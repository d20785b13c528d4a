// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Expiry, OptionInputs, OptionRules, Series, Strike} from "./OptionTypes.sol";
import {
    Candidate,
    Closing,
    ExitRequest,
    IndexSample,
    Limiter,
    MarketHealth,
    SafetyRules,
    Vault
} from "./SafetyTypes.sol";
import {Account, Market, OracleSigner, Position, SessionKey} from "./Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Storage                                                                       │
│                                                                               │
│ The one storage that the router and every module share. Modules declare no    │
│ state variable of their own: whatever they keep stands here, in this order.   │
│ New variables are appended.                                                   │
──────────────────────────────────────────────────────────────────────────────*/
abstract contract Storage {
    address internal timelock;
    /// Whether fills may only reduce positions, in every market.
    bool internal paused;
    /// Accounts so far; ids start at 1.
    uint64 internal accountCount;

    address internal guardian;
    /// Perpetual markets so far; ids start at 0 and stay below 64.
    uint32 internal marketCount;

    address internal matcher;
    /// The collateral, an ERC-20 with 6 decimals.
    address internal collateral;

    /// q6: collateral that the books account for, at most the token balance.
    uint128 internal custody;
    /// q6: fees taken and not yet collected.
    uint128 internal feeFund;

    mapping(uint64 account => Account) internal accounts;
    mapping(uint64 account => address) internal owners;
    mapping(address owner => uint64[]) internal accountsOf;
    mapping(uint64 account => mapping(address key => SessionKey)) internal sessionKeys;
    /// By account << 32 | market.
    mapping(uint256 key => Position) internal positions;
    /// Four uint64 lanes a slot, by account << 64 | nonce >> 2, lane nonce & 3 from the low end:
    /// s8 filled so far under that nonce, or 2^64 - 1 once cancelled.
    mapping(uint256 key => uint256) internal orderFills;
    mapping(uint32 market => Market) internal markets;

    mapping(address signer => OracleSigner) internal oracleSigners;
    address[] internal oracleSignerList;
    /// Sum of the signers' weights.
    uint64 internal oracleWeight;

    /// Strikes so far; the first one's series are 64 and 65.
    uint32 internal strikeCount;
    /// By even series id.
    mapping(uint32 strike => Strike) internal strikes;
    mapping(uint32 strike => OptionInputs) internal optionInputs;
    mapping(uint32 series => Series) internal seriesBooks;
    /// See SeriesArray.
    mapping(uint32 series => uint256[5]) internal seriesArrays;
    /// By underlying << 40 | expiry.
    mapping(uint256 key => Expiry) internal expiries;
    mapping(uint32 underlying => OptionRules) internal optionRules;
    /// Four int64 lanes a slot, by account << 32 | series >> 2, lane series & 3 from the low end: s8.
    mapping(uint256 key => uint256) internal optionSizes;
    /// Eight uint32 lanes a slot, by account << 8 | n: the series that the account holds, in no order,
    /// as many as Account.options says.
    mapping(uint256 key => uint256) internal heldSeries;

    mapping(uint32 market => SafetyRules) internal safetyRules;
    mapping(uint32 market => MarketHealth) internal health;
    /// By market << 40 | bucket.
    mapping(uint256 key => IndexSample) internal indexSamples;
    mapping(uint32 market => Vault) internal vaults;
    /// The market of a vault's account.
    mapping(uint64 account => uint32 market) internal vaultMarket;
    /// q6.
    mapping(uint32 market => uint128) internal insurance;
    /// q6: sum of all insurance.
    uint128 internal insuranceTotal;
    /// q6: sum of reported negative equity.
    uint128 internal reportedDebt;
    /// q6: what was last reported of an account.
    mapping(uint64 account => uint128) internal debtOf;
    Limiter[4] internal limiters;
    /// By account << 32 | market.
    mapping(uint256 key => ExitRequest) internal exits;
    /// By bankrupt account << 32 | market.
    mapping(uint256 key => Candidate) internal candidates;
    mapping(uint32 market => Closing) internal closings;
    /// q6: what a winner is owed, by account << 32 | market.
    mapping(uint256 key => uint128) internal closingClaims;

    /// Set while a call that writes is running: no other call, not even a read, gets in.
    bool internal transient entered;
}
