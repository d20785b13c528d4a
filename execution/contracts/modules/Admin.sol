// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Module} from "../Module.sol";
import {OptionRules, Strike} from "../OptionTypes.sol";
import {Limiter, SafetyRules, Vault} from "../SafetyTypes.sol";
import {IAccounts} from "../interfaces/IAccounts.sol";
import {IAdmin} from "../interfaces/IAdmin.sol";
import {IERC20} from "../interfaces/IERC20.sol";
import {IOracle} from "../interfaces/IOracle.sol";
import {Configuration} from "../libraries/Configuration.sol";
import {LimiterMath} from "../libraries/LimiterMath.sol";
import {TokenTransfer} from "../libraries/TokenTransfer.sol";
import {
    FundingRules,
    Market,
    MarketCaps,
    MarketConfig,
    MarketRules,
    MarketStatus,
    OracleSigner,
    Role
} from "../Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Admin                                                                         │
│                                                                               │
│ Parameters and roles. The timelock may do anything here; the guardian may     │
│ only pause and tighten. A configuration that contradicts itself is refused.   │
──────────────────────────────────────────────────────────────────────────────*/
contract Admin is IAdmin, Module {
    uint256 private constant PERPS_MAX = 64;
    /// Their bits fit one word and sorting their prices stays cheap.
    uint256 private constant SIGNERS_MAX = 32;
    /// Of Account.flags; see Books.
    uint8 private constant FLAG_VAULT = 1;
    /// The id of the first strike's call; see Books.
    uint32 private constant SERIES_START = 64;
    /// So that the last put's id fits.
    uint32 private constant STRIKES_MAX = (type(uint32).max - SERIES_START) / 2;

    /// @inheritdoc IAdmin
    function setRole(Role role, address holder) external onlyRole(timelock) {
        if (holder == address(0)) revert IAccounts.ZeroAddress();
        if (role == Role.Timelock) _setTimelock(holder);
        else if (role == Role.Guardian) guardian = holder;
        else matcher = holder;
        emit RoleSet(role, holder);
    }

    /// The backstop vaults belong to whoever is timelock.
    function _setTimelock(address holder) private {
        address old = timelock;
        timelock = holder;
        if (holder == old) return;
        for (uint32 id = 0; id < marketCount; id++) {
            uint64 account = vaults[id].account;
            if (account == 0) continue;
            _unlist(accountsOf[old], account);
            accountsOf[holder].push(account);
            owners[account] = holder;
        }
    }

    function _unlist(uint64[] storage list, uint64 account) private {
        uint256 place = 0;
        while (list[place] != account) place += 1;
        list[place] = list[list.length - 1];
        list.pop();
    }

    /// @inheritdoc IAdmin
    function setOracleSigner(address signer, uint32 weight) external onlyRole(timelock) {
        if (signer == address(0)) revert IAccounts.ZeroAddress();
        OracleSigner memory entry = oracleSigners[signer];
        oracleWeight = oracleWeight - entry.weight + weight;
        if (entry.weight == 0 && weight != 0) entry.index = _addSigner(signer);
        if (entry.weight != 0 && weight == 0) _removeSigner(entry.index);
        entry.weight = weight;
        if (weight == 0) delete oracleSigners[signer];
        else oracleSigners[signer] = entry;
        emit OracleSignerSet(signer, weight);
    }

    function _addSigner(address signer) private returns (uint8) {
        uint256 index = oracleSignerList.length;
        if (index == SIGNERS_MAX) revert TooManySigners();
        oracleSignerList.push(signer);
        return uint8(index);
    }

    /// The last signer takes the place of the removed one.
    function _removeSigner(uint8 index) private {
        address last = oracleSignerList[oracleSignerList.length - 1];
        oracleSignerList[index] = last;
        oracleSigners[last].index = index;
        oracleSignerList.pop();
    }

    /// @inheritdoc IAdmin
    function listMarket(MarketConfig calldata config)
        external
        onlyRole(timelock)
        returns (uint32 id)
    {
        id = marketCount;
        if (id == PERPS_MAX) revert TooManyMarkets();
        Configuration.checkRules(config.rules);
        Configuration.checkCaps(config.caps);
        Configuration.checkFunding(config.fundingRules);
        Configuration.checkFees(config.fees);
        marketCount = id + 1;
        Market storage market = markets[id];
        market.rules = config.rules;
        (market.rules.mmfFrom, market.rules.mmfTime) = (config.rules.mmf, uint40(block.timestamp));
        market.caps = config.caps;
        market.fundingRules = config.fundingRules;
        market.fees = config.fees;
        market.price.status = MarketStatus.ReduceOnly;
        market.flow.fundingTime = uint40(block.timestamp);
        market.book.basisTime = uint40(block.timestamp);
        emit MarketListed(id);
    }

    /// @inheritdoc IAdmin
    function setMarketRules(uint32 id, MarketRules calldata rules) external onlyRole(timelock) {
        _accrueKnown(id);
        Configuration.checkRules(rules);
        MarketRules memory old = markets[id].rules;
        // Open sizes and resting prices lie on the grid; only a finer one keeps them there.
        if (old.tick % rules.tick != 0 || old.lot % rules.lot != 0) revert BadConfig("grid");
        uint256 inForce = _maintenance(old);
        Configuration.checkSlippage(safetyRules[id], _lower(inForce, rules.mmf));
        markets[id].rules = rules;
        (markets[id].rules.mmfFrom, markets[id].rules.mmfTime) =
            (uint24(inForce), uint40(block.timestamp));
        emit MarketChanged(id);
    }

    /// @inheritdoc IAdmin
    function setMarketCaps(uint32 id, MarketCaps calldata caps) external onlyRole(timelock) {
        _accrueKnown(id);
        Configuration.checkCaps(caps);
        markets[id].caps = caps;
        emit MarketChanged(id);
    }

    /// @inheritdoc IAdmin
    function setFundingRules(uint32 id, FundingRules calldata rules) external onlyRole(timelock) {
        _accrueKnown(id);
        _accruePart(id);
        Configuration.checkFunding(rules);
        markets[id].fundingRules = rules;
        emit MarketChanged(id);
    }

    /// @inheritdoc IAdmin
    function setMarketFees(uint32 id, int32[8] calldata fees) external onlyRole(timelock) {
        _accrueKnown(id);
        Configuration.checkFees(fees);
        markets[id].fees = fees;
        emit MarketChanged(id);
    }

    /// @inheritdoc IAdmin
    function setMarketStatus(uint32 id, MarketStatus status) external onlyRole(timelock) {
        _setStatus(id, status);
        emit MarketChanged(id);
    }

    /// @inheritdoc IAdmin
    function setSafetyRules(uint32 id, SafetyRules calldata rules) external onlyRole(timelock) {
        _requireMarket(id);
        MarketRules memory margin = markets[id].rules;
        Configuration.checkSafety(rules);
        Configuration.checkSlippage(rules, _lower(_maintenance(margin), margin.mmf));
        safetyRules[id] = rules;
        emit MarketChanged(id);
    }

    /// @inheritdoc IAdmin
    function setOptionRules(uint32 underlying, OptionRules calldata rules)
        external
        onlyRole(timelock)
    {
        _requireMarket(underlying);
        Configuration.checkOptions(rules);
        OptionRules memory old = optionRules[underlying];
        bool finer = old.tick % rules.tick == 0 && old.lot % rules.lot == 0;
        if (!finer) revert BadConfig("grid");
        optionRules[underlying] = rules;
        emit MarketChanged(underlying);
    }

    /// @inheritdoc IAdmin
    function listStrike(uint32 underlying, uint40 expiry, uint64 price)
        external
        onlyRole(timelock)
        returns (uint32 strike)
    {
        _requireMarket(underlying);
        OptionRules memory rules = optionRules[underlying];
        if (rules.lot == 0) revert BadConfig("underlying");
        Configuration.checkStrike(expiry, price, rules.tick, block.timestamp);
        uint32 count = strikeCount;
        if (count == STRIKES_MAX) revert TooManyStrikes();
        strike = SERIES_START + 2 * count;
        strikeCount = count + 1;
        strikes[strike] =
            Strike({underlying: underlying, expiry: expiry, price: price, round: 0});
        emit StrikeListed(strike, underlying, expiry, price);
    }

    /// @inheritdoc IAdmin
    function openVault(uint32 id, uint96 lossCap)
        external
        onlyRole(timelock)
        returns (uint64 account)
    {
        _requireMarket(id);
        if (vaults[id].account != 0) revert BadConfig("vault");
        account = ++accountCount;
        owners[account] = msg.sender;
        accountsOf[msg.sender].push(account);
        accounts[account].flags = FLAG_VAULT;
        vaultMarket[account] = id;
        vaults[id] = Vault({account: account, lossCap: lossCap, contributed: 0});
        emit IAccounts.AccountCreated(account, msg.sender);
        emit VaultOpened(id, account);
    }

    /// @inheritdoc IAdmin
    function setLossCap(uint32 id, uint96 lossCap) external onlyRole(timelock) {
        _setLossCap(id, lossCap);
    }

    /// @inheritdoc IAdmin
    function setLimiter(
        uint256 which,
        uint32 period,
        uint24 share,
        uint96 minimum,
        uint96 cap
    ) external onlyRole(timelock) {
        _requireLimiter(which);
        Limiter memory next = _limiter(period, share, minimum, cap);
        if (period == 0) {
            delete limiters[which];
        } else {
            Configuration.checkLimiter(next);
            next.capacity = uint128(_capacity(which, next));
            limiters[which] = next;
        }
        emit LimiterSet(which);
    }

    /// @inheritdoc IAdmin
    function setFeeTier(uint64 account, uint8 tier) external onlyRole(timelock) {
        if (tier > 3) revert BadConfig("tier");
        if (owners[account] == address(0)) revert IAccounts.UnknownAccount(account);
        accounts[account].feeTier = tier;
        emit FeeTierSet(account, tier);
    }

    /// @inheritdoc IAdmin
    function collectFees(address to, uint256 amount) external onlyRole(timelock) {
        if (to == address(0)) revert IAccounts.ZeroAddress();
        if (amount > feeFund) revert AboveFeeFund(amount, feeFund);
        feeFund -= uint128(amount);
        custody -= uint128(amount);
        emit FeesCollected(to, amount);
        if (!TokenTransfer.push(IERC20(collateral), to, amount)) revert IAccounts.TokenRefused();
    }

    /// @inheritdoc IAdmin
    function pause() external onlyRole(guardian) {
        paused = true;
        emit PauseSet(true);
    }

    /// @inheritdoc IAdmin
    function unpause() external onlyRole(timelock) {
        paused = false;
        emit PauseSet(false);
    }

    /// @inheritdoc IAdmin
    function tightenMarket(uint32 id, MarketStatus status, uint64 oiCap, uint24 priceBand)
        external
        onlyRole(guardian)
    {
        Market storage market = markets[id];
        bool loosens = status < market.price.status || oiCap > market.caps.oiCap
            || priceBand > market.caps.priceBand;
        if (loosens) revert Loosens();
        _setStatus(id, status);
        (market.caps.oiCap, market.caps.priceBand) = (oiCap, priceBand);
        Configuration.checkCaps(market.caps);
        emit MarketChanged(id);
    }

    /// @inheritdoc IAdmin
    function tightenLimiter(
        uint256 which,
        uint32 period,
        uint24 share,
        uint96 minimum,
        uint96 cap
    ) external onlyRole(guardian) {
        _requireLimiter(which);
        Limiter memory old = limiters[which];
        Limiter memory next = _limiter(period, share, minimum, cap);
        Configuration.checkLimiter(next);
        if (old.period != 0 && Configuration.loosens(old, next)) revert Loosens();
        uint256 capacity = _capacity(which, next);
        uint256 target = LimiterMath.baseline(next, custody);
        next.capacity = uint128(_lower(capacity, target));
        limiters[which] = next;
        emit LimiterSet(which);
    }

    /// @inheritdoc IAdmin
    function tightenVault(uint32 id, uint96 lossCap) external onlyRole(guardian) {
        if (lossCap > vaults[id].lossCap) revert Loosens();
        _setLossCap(id, lossCap);
    }

    /*────────────────────────── vaults and limits ────────────────────────*/

    function _setLossCap(uint32 id, uint96 lossCap) private {
        if (vaults[id].account == 0) revert BadConfig("vault");
        vaults[id].lossCap = lossCap;
        emit MarketChanged(id);
    }

    function _requireLimiter(uint256 which) private view {
        if (which >= limiters.length) revert BadConfig("limiter");
    }

    function _limiter(uint32 period, uint24 share, uint96 minimum, uint96 cap)
        private
        view
        returns (Limiter memory limiter)
    {
        (limiter.period, limiter.share) = (period, share);
        (limiter.minimum, limiter.cap) = (minimum, cap);
        limiter.time = uint40(block.timestamp);
    }

    /// What may leave now by limit `which`, q6; the whole baseline of `next` if it was off. A
    /// capacity is at most the larger of a uint96 and the custody, a uint128.
    function _capacity(uint256 which, Limiter memory next) private view returns (uint256) {
        Limiter memory old = limiters[which];
        if (old.period == 0) return LimiterMath.baseline(next, custody);
        return LimiterMath.refill(old, custody, block.timestamp);
    }

    /*──────────────────────────── before a change ────────────────────────*/

    function _requireMarket(uint32 id) private view {
        if (id >= marketCount) revert IOracle.MarketUnknown(id);
    }

    /// A closed market has no funding to accrue, and nothing of it changes any more.
    function _accrueKnown(uint32 id) private {
        _requireMarket(id);
        if (markets[id].price.status == MarketStatus.Closed) revert IOracle.MarketClosed(id);
        _accrueStored(id);
    }

    /// Entering or leaving a halt closes the running interval: its rate differs on either side.
    /// A market ends by IInsolvency.closeMarket alone, which knows the price.
    function _setStatus(uint32 id, MarketStatus status) private {
        if (status == MarketStatus.Unlisted || status == MarketStatus.Closed) {
            revert BadConfig("status");
        }
        _accrueKnown(id);
        MarketStatus old = markets[id].price.status;
        if ((old == MarketStatus.Halted) != (status == MarketStatus.Halted)) _accruePart(id);
        markets[id].price.status = status;
    }

    function _lower(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}
