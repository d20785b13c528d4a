// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Module} from "../Module.sol";
import {IAdmin} from "../interfaces/IAdmin.sol";
import {IAccounts} from "../interfaces/IAccounts.sol";
import {IERC20} from "../interfaces/IERC20.sol";
import {IOracle} from "../interfaces/IOracle.sol";
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
    uint256 private constant PPM = 1e6;
    /// ppm: no fee and no rebate above 10%.
    int256 private constant FEE_MAX = 1e5;
    uint256 private constant RATE_ONE = 1e12;
    /// p8 * s8 over q6.
    uint256 private constant PRICE_SIZE = 1e10;

    /// @inheritdoc IAdmin
    function setRole(Role role, address holder) external onlyRole(timelock) {
        if (holder == address(0)) revert IAccounts.ZeroAddress();
        if (role == Role.Timelock) timelock = holder;
        else if (role == Role.Guardian) guardian = holder;
        else matcher = holder;
        emit RoleSet(role, holder);
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
        _checkRules(config.rules);
        _checkCaps(config.caps);
        _checkFunding(config.fundingRules);
        _checkFees(config.fees);
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
        _checkRules(rules);
        MarketRules memory old = markets[id].rules;
        // Open sizes and resting prices lie on the grid; only a finer one keeps them there.
        if (old.tick % rules.tick != 0 || old.lot % rules.lot != 0) revert BadConfig("grid");
        uint256 inForce = _maintenance(old);
        markets[id].rules = rules;
        (markets[id].rules.mmfFrom, markets[id].rules.mmfTime) =
            (uint24(inForce), uint40(block.timestamp));
        emit MarketChanged(id);
    }

    /// @inheritdoc IAdmin
    function setMarketCaps(uint32 id, MarketCaps calldata caps) external onlyRole(timelock) {
        _accrueKnown(id);
        _checkCaps(caps);
        markets[id].caps = caps;
        emit MarketChanged(id);
    }

    /// @inheritdoc IAdmin
    function setFundingRules(uint32 id, FundingRules calldata rules) external onlyRole(timelock) {
        _accrueKnown(id);
        _accruePart(id);
        _checkFunding(rules);
        markets[id].fundingRules = rules;
        emit MarketChanged(id);
    }

    /// @inheritdoc IAdmin
    function setMarketFees(uint32 id, int32[8] calldata fees) external onlyRole(timelock) {
        _accrueKnown(id);
        _checkFees(fees);
        markets[id].fees = fees;
        emit MarketChanged(id);
    }

    /// @inheritdoc IAdmin
    function setMarketStatus(uint32 id, MarketStatus status) external onlyRole(timelock) {
        if (status == MarketStatus.Unlisted) revert BadConfig("status");
        _setStatus(id, status);
        emit MarketChanged(id);
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
        emit MarketChanged(id);
    }

    /*──────────────────────────── before a change ────────────────────────*/

    function _accrueKnown(uint32 id) private {
        if (id >= marketCount) revert IOracle.MarketUnknown(id);
        _accrueStored(id);
    }

    /// Entering or leaving a halt closes the running interval: its rate differs on either side.
    function _setStatus(uint32 id, MarketStatus status) private {
        _accrueKnown(id);
        MarketStatus old = markets[id].price.status;
        if ((old == MarketStatus.Halted) != (status == MarketStatus.Halted)) _accruePart(id);
        markets[id].price.status = status;
    }

    /*───────────────────────────── validation ────────────────────────────*/

    function _checkRules(MarketRules calldata rules) private pure {
        if (rules.tick == 0 || rules.lot == 0) revert BadConfig("grid");
        if (uint256(rules.tick) * rules.lot % PRICE_SIZE != 0) revert BadConfig("grid");
        if (rules.mmf == 0 || rules.mmf > rules.imf || rules.imf > PPM) {
            revert BadConfig("fractions");
        }
        if (rules.staleSeconds == 0) revert BadConfig("staleSeconds");
    }

    function _checkCaps(MarketCaps calldata caps) private pure {
        if (caps.oiLow > caps.oiHigh) revert BadConfig("oiLow");
        if (caps.oiCap >= 1 << 63) revert BadConfig("oiCap");
        if (caps.priceBand > PPM) revert BadConfig("priceBand");
        if (caps.markBand >= PPM) revert BadConfig("markBand");
    }

    function _checkFunding(FundingRules calldata rules) private pure {
        if (rules.interval == 0 || rules.samples == 0 || rules.maxIntervals == 0) {
            revert BadConfig("interval");
        }
        if (rules.interval % rules.samples != 0) revert BadConfig("samples");
        if (rules.cap > RATE_ONE) revert BadConfig("cap");
        int256 cap = int256(uint256(rules.cap));
        if (rules.interest > cap || rules.interest < -cap) revert BadConfig("interest");
        if (rules.interestClamp > rules.cap) revert BadConfig("interestClamp");
    }

    /// Whoever takes from whomever, the two fees add up to zero or more.
    function _checkFees(int32[8] calldata fees) private pure {
        (int256 taker, int256 maker) = (FEE_MAX, FEE_MAX);
        for (uint256 i = 0; i < 8; i++) {
            if (fees[i] > FEE_MAX || fees[i] < -FEE_MAX) revert BadConfig("fees");
            if (i % 2 == 0 && fees[i] < taker) taker = fees[i];
            if (i % 2 == 1 && fees[i] < maker) maker = fees[i];
        }
        if (taker + maker < 0) revert BadConfig("fees");
    }
}
