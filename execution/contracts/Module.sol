// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Storage} from "./Storage.sol";
import {IOracle} from "./interfaces/IOracle.sol";
import {FixedMath} from "./libraries/FixedMath.sol";
import {PerpMath} from "./libraries/PerpMath.sol";
import {
    FundingRules,
    FundingState,
    Market,
    MarketCaps,
    MarketFlow,
    MarketPrice,
    MarketRules,
    MarketStatus,
    Standing
} from "./Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Module                                                                        │
│                                                                               │
│ What the modules share: the guard that they run in the router's storage, and  │
│ markets in memory, with their funding accrued.                                │
──────────────────────────────────────────────────────────────────────────────*/
abstract contract Module is Storage {
    using FixedMath for int256;

    /// The router's predeploy address: the only storage a module may write.
    address internal constant ROUTER = 0x4200000000000000000000000000000000000200;

    bytes32 private constant DOMAIN_TYPE = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );
    bytes32 private constant NAME = keccak256("ClearingHouse");
    bytes32 private constant VERSION = keccak256("1");

    /// A module was called at its own address.
    error NotRouted();
    /// The caller doesn't hold the role.
    error NotAllowed(address caller);

    /// A market in memory, with funding accrued as far as whole intervals go.
    struct MarketView {
        bool loaded;
        /// Whether `fundingIndex` and `fundingTime` are ahead of storage.
        bool accrued;
        /// Whether open interest or pool differ from storage.
        bool dirty;
        bool stale;
        MarketStatus status;
        uint256 mark;
        uint256 index;
        int256 fundingIndex;
        uint256 fundingTime;
        uint256 openInterest;
        /// q6, to be added to the pool.
        int256 poolChange;
        uint256 baseFraction;
        uint256 mmf;
        uint256 oiLow;
        uint256 oiHigh;
        /// The place of the market's risk among an account's, while these are added up.
        uint256 riskPlace;
        /// None, or one: what a unit gains in each scenario of portfolio margin (p8).
        int256[24][] scenarios;
    }

    modifier routed() {
        if (address(this) != ROUTER) revert NotRouted();
        _;
    }

    modifier onlyRole(address holder) {
        if (address(this) != ROUTER) revert NotRouted();
        if (msg.sender != holder) revert NotAllowed(msg.sender);
        _;
    }

    function _domainSeparator() internal view returns (bytes32) {
        return keccak256(abi.encode(DOMAIN_TYPE, NAME, VERSION, block.chainid, address(this)));
    }

    /// One grid for every minute: bucket b covers the seconds [60 b, 60 b + 60).
    function _sampleKey(uint32 market, uint256 bucket) internal pure returns (uint256) {
        return (uint256(market) << 40) | bucket;
    }

    function _expiryKey(uint32 underlying, uint40 expiry) internal pure returns (uint256) {
        return (uint256(underlying) << 40) | expiry;
    }

    function _positionKey(uint256 account, uint256 market) internal pure returns (uint256) {
        return (account << 32) | market;
    }

    /// Reads what requirements need of a market and accrues its funding in memory.
    function _load(MarketView memory view_, uint32 id) internal view {
        Market storage market = markets[id];
        MarketPrice storage price = market.price;
        MarketFlow storage flow = market.flow;
        MarketRules storage rules = market.rules;
        MarketCaps storage caps = market.caps;
        view_.loaded = true;
        view_.status = price.status;
        view_.mark = price.mark;
        view_.index = price.index;
        uint256 freshUntil;
        // Two fields of at most 40 bits.
        unchecked {
            freshUntil = uint256(price.indexTime) + rules.staleSeconds;
        }
        // A closed market's price stays what it is.
        bool closed = price.status == MarketStatus.Closed;
        view_.stale = !closed && block.timestamp > freshUntil;
        view_.fundingIndex = flow.fundingIndex;
        view_.fundingTime = flow.fundingTime;
        view_.openInterest = flow.openInterest;
        view_.baseFraction = rules.imf;
        view_.mmf = _inForce(rules.mmfFrom, rules.mmf, rules.mmfTime);
        (view_.oiLow, view_.oiHigh) = (caps.oiLow, caps.oiHigh);
        if (closed) _release(view_);
        else _accrue(view_, market, freshUntil);
    }

    /// What can't lose any more needs no margin, at whatever open interest.
    function _release(MarketView memory view_) private pure {
        (view_.baseFraction, view_.mmf) = (0, 0);
        (view_.oiLow, view_.oiHigh) = (type(uint64).max, type(uint64).max);
    }

    /// Adds the whole intervals since the last accrual: the first with its samples, later ones
    /// with none. One that ended with a stale index, or in a halted market, passes at rate zero.
    /// Whatever changes index, status or parameters accrues first, so that it doesn't matter when
    /// this is called.
    function _accrue(MarketView memory view_, Market storage market, uint256 freshUntil)
        private
        view
    {
        uint256 start = view_.fundingTime;
        uint256 passed = (block.timestamp - start) / market.fundingRules.interval;
        if (passed == 0) return;
        FundingRules memory rules = market.fundingRules;
        view_.accrued = true;
        view_.fundingTime = start + passed * rules.interval;
        if (view_.status == MarketStatus.Halted || freshUntil < start) return;
        uint256 paying = (freshUntil - start) / rules.interval;
        if (paying > passed) paying = passed;
        if (paying > rules.maxIntervals) paying = rules.maxIntervals;
        if (paying == 0) return;
        int256 mean = int256(market.funding.premiumSum) / int256(uint256(rules.samples));
        view_.fundingIndex += _intervalDelta(rules, mean, view_.index, rules.interval)
            + int256(paying - 1) * _intervalDelta(rules, 0, view_.index, rules.interval);
    }

    function _intervalDelta(
        FundingRules memory rules,
        int256 mean,
        uint256 index,
        uint256 elapsed
    ) internal pure returns (int256) {
        int256 rate =
            PerpMath.fundingRate(mean, rules.interest, rules.interestClamp, rules.cap);
        return PerpMath.fundingDelta(rate, index, elapsed);
    }

    /// Writes what `_load` and fills changed of a market.
    function _store(MarketView memory view_, uint32 id) internal {
        Market storage market = markets[id];
        // An f12 index moves by at most cap * index bound = 1e21 a period of 8 h, so int96 lasts
        // for more than ten thousand years; open interest was checked by the fill.
        market.flow = MarketFlow({
            fundingIndex: int96(view_.fundingIndex),
            openInterest: uint64(view_.openInterest),
            fundingTime: uint40(view_.fundingTime)
        });
        if (!view_.accrued && view_.poolChange == 0) return;
        FundingState memory state = market.funding;
        state.pool += int128(view_.poolChange);
        if (view_.accrued) {
            (state.premiumSum, state.lastSample) = (0, 0);
            emit IOracle.FundingAccrued(
                id, int96(view_.fundingIndex), uint40(view_.fundingTime)
            );
        }
        market.funding = state;
    }

    /// Accrues the whole intervals since the last accrual, in storage.
    function _accrueStored(uint32 id) internal {
        MarketView memory view_;
        _load(view_, id);
        if (view_.accrued) _store(view_, id);
    }

    /// Closes the running interval early, before a parameter changes; the mean is over the slots
    /// that have begun. `_accrueStored` comes first.
    function _accruePart(uint32 id) internal {
        MarketView memory view_;
        _load(view_, id);
        FundingRules memory rules = markets[id].fundingRules;
        uint256 elapsed = block.timestamp - view_.fundingTime;
        if (elapsed == 0 || view_.status == MarketStatus.Closed) return;
        if (!view_.stale && view_.status != MarketStatus.Halted) {
            uint256 begun = elapsed * rules.samples / rules.interval + 1;
            int256 mean = int256(markets[id].funding.premiumSum) / int256(begun);
            view_.fundingIndex += _intervalDelta(rules, mean, view_.index, elapsed);
        }
        (view_.fundingTime, view_.accrued) = (block.timestamp, true);
        _store(view_, id);
    }

    function _maintenance(MarketRules memory rules) internal view returns (uint256) {
        return _inForce(rules.mmfFrom, rules.mmf, rules.mmfTime);
    }

    function _inForce(uint256 from, uint256 to, uint256 time) private view returns (uint256) {
        return PerpMath.maintenanceFraction(from, to, block.timestamp - time);
    }

    function _initialFraction(MarketView memory view_) internal pure returns (uint256) {
        return PerpMath.initialFraction(
            view_.baseFraction, view_.oiLow, view_.oiHigh, view_.openInterest
        );
    }

    /// The tenth of notional that a withdrawal leaves is for what prices can still do, too.
    function _addPosition(
        PerpMath.Sums memory sums,
        MarketView memory view_,
        int256 size,
        int256 cost,
        int256 funding
    ) internal pure {
        uint256 notional = sums.notional;
        PerpMath.add(
            sums,
            size,
            cost,
            view_.mark,
            view_.fundingIndex - funding,
            _initialFraction(view_),
            view_.mmf
        );
        if (view_.status == MarketStatus.Closed) sums.notional = notional;
    }

    function _standingOf(PerpMath.Sums memory sums, int256 cash, bool stale)
        internal
        pure
        returns (Standing memory)
    {
        return Standing({
            equity: PerpMath.equity(sums, cash),
            initial: sums.initial,
            maintenance: sums.maintenance,
            withdrawable: PerpMath.withdrawable(sums, cash),
            stale: stale
        });
    }
}
