// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Risks} from "./Risks.sol";
import {AccountWord, AccountWords} from "./libraries/AccountWord.sol";
import {FixedMath} from "./libraries/FixedMath.sol";
import {Lists} from "./libraries/Lists.sol";
import {PerpMath} from "./libraries/PerpMath.sol";
import {PositionWord, PositionWords} from "./libraries/PositionWord.sol";
import {MarketStatus, Standing} from "./Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Books                                                                         │
│                                                                               │
│ Whole accounts in memory: read once, traded on, judged in cross or portfolio  │
│ margin, and written once. Whatever moves positions or collateral works on     │
│ these copies.                                                                 │
──────────────────────────────────────────────────────────────────────────────*/
abstract contract Books is Risks {
    using FixedMath for int256;

    /// The first id of a series; smaller ones are perpetual markets.
    uint32 internal constant SERIES_START = 64;
    /// So that a margin check has bounded gas.
    uint256 internal constant SERIES_MAX = 32;
    /// Of Account.flags.
    uint8 internal constant FLAG_VAULT = 1;
    /// Of Account.marginMode.
    uint8 internal constant MODE_PORTFOLIO = 1;

    /// A member would leave its packed field.
    error FieldOverflow();
    /// More series than a margin check may read.
    error TooManySeries(uint64 account);

    /*───────────────────────────── an account ────────────────────────────*/

    /// An account from storage; `owner` is zero when there is none.
    function _readTrader(Trader memory trader, uint64 id) internal view {
        AccountWord state = AccountWords.read(accounts[id]);
        (trader.id, trader.owner, trader.state) = (id, owners[id], state);
        trader.cash = state.cash();
        _readHeld(trader);
    }

    /// Whether a backstop vault would leave its market by trading in `underlying`.
    function _isFenced(Trader memory trader, uint32 underlying) internal view returns (bool) {
        return trader.state.flags() & FLAG_VAULT != 0 && vaultMarket[trader.id] != underlying;
    }

    /// Reads what an account holds, unless it has been read.
    function _readHeld(Trader memory trader) internal view {
        if (trader.loaded) return;
        trader.loaded = true;
        _readPerps(trader);
        _readHoldings(trader);
    }

    function _readPerps(Trader memory trader) private view {
        uint256 bits = trader.state.perps();
        if (bits == 0) return;
        uint256 account = trader.id;
        Perp[] memory perps = _perpList(FixedMath.popCount(bits));
        uint256 count = 0;
        // As many as there are bits.
        unchecked {
            for (uint32 id = 0; bits != 0; (id, bits) = (id + 1, bits >> 1)) {
                if (bits & 1 == 0) continue;
                PositionWord word = PositionWords.read(positions[_positionKey(account, id)]);
                perps[count++] = Perp(id, false, word.size(), word.cost(), word.funding());
            }
        }
        (trader.perps, trader.count) = (perps, count);
    }

    /// A list of positions that points nowhere yet: each place is written before it is counted, and
    /// not read till then.
    function _perpList(uint256 length) private pure returns (Perp[] memory perps) {
        uint256[] memory places = new uint256[](length);
        assembly ("memory-safe") {
            perps := places
        }
    }

    function _readHoldings(Trader memory trader) private view {
        uint256 held = trader.state.options();
        if (held == 0) return;
        // Room for one more.
        uint256[] memory list = new uint256[](held + 1);
        uint256 ids;
        for (uint256 i = 0; i < held; i++) {
            if (i & 7 == 0) ids = heldSeries[_heldKey(trader.id, i)];
            uint32 series = uint32(ids);
            ids >>= 32;
            Lists.put(list, i, _newHolding(series, _optionSize(trader.id, series)));
        }
        (trader.options, trader.optionCount) = (_holdings(list), held);
    }

    function _heldKey(uint64 account, uint256 place) internal pure returns (uint256) {
        return (uint256(account) << 8) | (place / 8);
    }

    function _optionSize(uint64 account, uint32 series) internal view returns (int64) {
        uint256 lanes = optionSizes[_sizeKey(account, series)];
        return int64(uint64(lanes >> ((series & 3) * 64)));
    }

    function _sizeKey(uint64 account, uint32 series) internal pure returns (uint256) {
        return (uint256(account) << 32) | (series >> 2);
    }

    /// Writes an account. Every fill checked that the members fit.
    function _writeTrader(Trader memory trader) internal {
        uint64 held = _writePerps(trader);
        if (trader.optionCount != 0) _writeHoldings(trader);
        AccountWord state = trader.state.withPerps(held).withCash(int96(trader.cash));
        AccountWords.write(accounts[trader.id], state);
    }

    /// @return held Bit i: there is a position in market i now.
    function _writePerps(Trader memory trader) private returns (uint64 held) {
        held = trader.state.perps();
        (Perp[] memory perps, uint256 count) = (trader.perps, trader.count);
        for (uint256 i = 0; i < count; i++) {
            Perp memory perp = perps[i];
            if (!perp.dirty) continue;
            (uint256 market, int256 size) = (perp.market, perp.size);
            uint64 bit = uint64(1 << market);
            held = size == 0 ? held & ~bit : held | bit;
            PositionWords.write(
                positions[_positionKey(trader.id, market)],
                PositionWords.pack(size, perp.cost, perp.funding)
            );
        }
    }

    function _writeHoldings(Trader memory trader) private {
        for (uint256 i = 0; i < trader.optionCount; i++) {
            Holding memory holding = trader.options[i];
            if (!holding.dirty) continue;
            uint256 shift = (holding.series & 3) * 64;
            uint256 key = _sizeKey(trader.id, holding.series);
            uint256 others = optionSizes[key] & ~(uint256(type(uint64).max) << shift);
            optionSizes[key] = others | (uint256(uint64(int64(holding.size))) << shift);
        }
        if (trader.relisted) _writeList(trader);
    }

    /// Writes the ids of the held series, eight a slot, without gaps.
    function _writeList(Trader memory trader) private {
        (uint256 count, uint256 ids) = (0, 0);
        for (uint256 i = 0; i < trader.optionCount; i++) {
            if (trader.options[i].size == 0) continue;
            ids |= uint256(trader.options[i].series) << ((count % 8) * 32);
            count += 1;
            if (count % 8 == 0) {
                heldSeries[_heldKey(trader.id, count - 1)] = ids;
                ids = 0;
            }
        }
        if (ids != 0) heldSeries[_heldKey(trader.id, count)] = ids;
        // Settlement and the other callers of `_holding` keep to SERIES_MAX.
        trader.state = trader.state.withOptions(uint8(count));
    }

    /// The position of a trader in a market; a flat one is appended when there is none.
    function _perp(Trader memory trader, uint32 id) internal pure returns (Perp memory perp) {
        uint256 place = _perpPlace(trader, id);
        perp = trader.perps[place];
    }

    function _perpPlace(Trader memory trader, uint32 id) internal pure returns (uint256 place) {
        uint256 count = trader.count;
        Perp[] memory perps = trader.perps;
        place = Lists.find(_places(perps), count, id);
        if (place != count) return place;
        if (count == perps.length) {
            Perp[] memory longer = _perpList(count + 2);
            for (uint256 i = 0; i < count; i++) longer[i] = perps[i];
            (trader.perps, perps) = (longer, longer);
        }
        perps[count] = Perp(id, false, 0, 0, 0);
        trader.count = count + 1;
    }

    /// The holding of a trader in a series; a flat one is appended when there is none.
    function _holding(Trader memory trader, uint32 id)
        internal
        pure
        returns (Holding memory holding)
    {
        uint256 place = _holdingPlace(trader, id);
        holding = trader.options[place];
    }

    function _holdingPlace(Trader memory trader, uint32 id) internal pure returns (uint256 place) {
        uint256 count = trader.optionCount;
        uint256[] memory list = _places(trader.options);
        place = Lists.find(list, count, id);
        if (place < count) return place;
        if (count == list.length) {
            list = Lists.longer(list, count, 2);
            trader.options = _holdings(list);
        }
        list[count] = _newHolding(id, 0);
        trader.optionCount = count + 1;
    }

    /// How many series a trader holds now.
    function _heldCount(Trader memory trader) internal pure returns (uint256 count) {
        for (uint256 i = 0; i < trader.optionCount; i++) {
            if (trader.options[i].size != 0) count += 1;
        }
    }

    /*───────────────────────── trades outside batches ────────────────────*/

    /// Books a perpetual trade of `delta` (s8, signed) at `price` (p8) and a fee (q6): funding is
    /// settled first. Open interest isn't capped here; callers close or match positions.
    function _tradePerp(
        Shelf memory shelf,
        Trader memory trader,
        uint32 id,
        int256 delta,
        uint256 price,
        int256 fee
    ) internal view {
        MarketView memory market = _marketOf(shelf, id);
        Perp memory perp = _perp(trader, id);
        int256 payment = PerpMath.fundingPayment(perp.size, market.fundingIndex - perp.funding);
        (int256 size, int256 cost, int256 realised) =
            PerpMath.trade(perp.size, perp.cost, delta, price);
        market.openInterest =
            uint256(int256(market.openInterest) + size.max(0) - perp.size.max(0));
        market.poolChange -= payment;
        (perp.size, perp.cost, perp.funding) = (size, cost, market.fundingIndex);
        trader.cash += payment + realised - fee;
        (perp.dirty, trader.dirty, market.dirty) = (true, true, true);
        bool fits = size.fitsInt64() && cost.fitsInt96() && trader.cash.fitsInt96()
            && market.openInterest < 1 << 63;
        if (!fits) revert FieldOverflow();
    }

    /// Books an option trade of `delta` (s8, signed) for `premium` (q6, what the trader pays; negative
    /// when it receives) and a fee (q6).
    function _tradeOption(
        Shelf memory shelf,
        Trader memory trader,
        uint32 id,
        int256 delta,
        int256 premium,
        int256 fee
    ) internal view {
        SeriesView memory series = _seriesOf(shelf, id);
        _openSeries(series);
        Holding memory holding = _holding(trader, id);
        int256 size = holding.size + delta;
        series.openInterest =
            uint256(int256(series.openInterest) + size.max(0) - holding.size.max(0));
        series.shortsLeft =
            uint256(int256(series.shortsLeft) + (-size).max(0) - (-holding.size).max(0));
        if ((size == 0) != (holding.size == 0)) trader.relisted = true;
        holding.size = size;
        trader.cash -= premium + fee;
        (holding.dirty, trader.dirty, series.dirty) = (true, true, true);
        bool fits = size.fitsInt64() && trader.cash.fitsInt96() && series.openInterest < 1 << 63
            && series.shortsLeft < 1 << 63;
        if (!fits) revert FieldOverflow();
        if (_heldCount(trader) > SERIES_MAX) revert TooManySeries(trader.id);
    }

    /*────────────────────────────── standing ─────────────────────────────*/

    /// An account's standing from storage.
    function _standing(uint64 id) internal view returns (Standing memory) {
        Shelf memory shelf = _openShelf();
        Trader memory trader;
        _readTrader(trader, id);
        return _assess(shelf, trader);
    }

    /// Whether scenarios judge the account: it asked for it, or holds an option.
    function _isPortfolio(Trader memory trader) internal pure returns (bool) {
        if (trader.state.marginMode() == MODE_PORTFOLIO) return true;
        for (uint256 i = 0; i < trader.optionCount; i++) {
            if (trader.options[i].size != 0) return true;
        }
        return false;
    }

    /// Equity, requirements and what may leave, in the account's margin mode.
    function _assess(Shelf memory shelf, Trader memory trader)
        internal
        view
        returns (Standing memory)
    {
        trader.summed = false;
        (bool prices, bool arrays) = _weigh(shelf, trader);
        return _standingOf(shelf.sums, trader.cash, prices || arrays);
    }

    /// Sums up an account in `shelf.sums`, in its margin mode. Scenarios are added up unless
    /// `trader.summed` says that they are kept.
    /// @return prices Whether some index is stale. @return arrays Whether some held series is.
    function _weigh(Shelf memory shelf, Trader memory trader)
        internal
        view
        returns (bool prices, bool arrays)
    {
        PerpMath.Sums memory sums = shelf.sums;
        PerpMath.clear(sums);
        bool portfolio = _isPortfolio(trader);
        prices = _weighPerps(shelf, trader, sums, portfolio);
        if (!portfolio) return (prices, false);
        bool optionPrices;
        (optionPrices, arrays) = _weighOptions(shelf, trader, sums);
        if (!trader.summed) {
            _risks(shelf, trader);
            trader.summed = true;
        }
        _weighRisks(shelf, trader, sums);
        return (prices || optionPrices, arrays);
    }

    /// Every position, with what it needs in cross margin unless scenarios tell.
    function _weighPerps(
        Shelf memory shelf,
        Trader memory trader,
        PerpMath.Sums memory sums,
        bool portfolio
    ) private view returns (bool stale) {
        (Perp[] memory perps, uint256 count) = (trader.perps, trader.count);
        for (uint256 i = 0; i < count; i++) {
            Perp memory perp = perps[i];
            if (perp.size == 0) continue;
            MarketView memory market = shelf.markets[perp.market];
            if (!market.loaded) _load(market, perp.market);
            if (portfolio) _addValue(sums, market, perp);
            else _addPosition(sums, market, perp.size, perp.cost, perp.funding);
            if (market.stale) stale = true;
        }
    }

    /// What a position is worth; `_addPosition` without requirements.
    function _addValue(PerpMath.Sums memory sums, MarketView memory market, Perp memory perp)
        private
        pure
    {
        int256 gain = PerpMath.unrealised(perp.size, perp.cost, market.mark);
        // Funding indices are int96; each term is below 2^224, and nobody adds up 2^30 positions.
        unchecked {
            int256 accrued = market.fundingIndex - perp.funding;
            sums.unrealised += gain;
            sums.losses += gain.min(0);
            sums.funding += PerpMath.fundingPayment(perp.size, accrued);
            if (market.status == MarketStatus.Closed) return;
            sums.notional += perp.size.abs() * market.mark;
        }
    }

}
