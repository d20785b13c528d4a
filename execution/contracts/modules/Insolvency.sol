// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Deleveraging} from "../Deleveraging.sol";
import {IAccounts} from "../interfaces/IAccounts.sol";
import {IERC20} from "../interfaces/IERC20.sol";
import {IInsolvency} from "../interfaces/IInsolvency.sol";
import {IOracle} from "../interfaces/IOracle.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {IndexTwap} from "../libraries/IndexTwap.sol";
import {PerpMath} from "../libraries/PerpMath.sol";
import {TokenTransfer} from "../libraries/TokenTransfer.sol";
import {Candidate, Closing} from "../SafetyTypes.sol";
import {MarketPrice, MarketStatus} from "../Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Insolvency                                                                    │
│                                                                               │
│ What is left when a liquidation isn't enough: known debts, deleveraging       │
│ against those who gained, and the end of a market.                            │
│                                                                               │
│ A market ends in two steps, so that nobody is paid before every loss is       │
│ known. Registering: a loser pays from his cash, and what he can't pay comes   │
│ from the market's insurance; a winner keeps his position, which counts in his │
│ equity at the closing price as before, beside a claim on its gain. Paying:    │
│ the position gives way to what the claims' cover allows, pro rata.            │
│                                                                               │
│ The cover starts at the claims themselves: whoever gained did so from those   │
│ who lost, were they paid out earlier or not. What losers and insurance fail   │
│ to pay lowers it. Where it falls below zero, gains of people long gone are    │
│ not backed, and the market itself is reported as a debtor until later gains   │
│ or insurance make up for it. Beside that,                                     │
│                                                                               │
│   custody = sum of cash - sum of costs of positions without a claim + pools   │
│     + fees + insurance + sum over closed markets of                           │
│     floor((longsLeft - shortsLeft) * price) + collected - debt of the market  │
│                                                                               │
│ holds after every call. Prices that are stale count here as they are last     │
│ known: an outage elsewhere must not hold up the end of a market.              │
──────────────────────────────────────────────────────────────────────────────*/
contract Insolvency is IInsolvency, Deleveraging {
    using FixedMath for int256;

    /// Seconds without an index after which anybody may end a market.
    uint256 private constant DEAD_SECONDS = 7 days;
    /// Seconds in which a candidate is executed, once it may be. One that was named longer ago was
    /// never outbid by those who come first today: the account may have recovered in between.
    uint256 private constant EXECUTION_SECONDS = 10 minutes;

    /*─────────────────────────── debt, insurance ─────────────────────────*/

    /// @inheritdoc IInsolvency
    function reportDebt(uint64 account) external routed {
        uint64 market = type(uint64).max - account;
        if (market < marketCount) return _reportMarket(uint32(market), account);
        Shelf memory shelf = _openShelf();
        Trader memory trader;
        _readTrader(trader, account);
        _bringUp(shelf, trader);
        accounts[account].cash = int96(trader.cash);
    }

    /// A closed market's debt may still be made up for by gains that aren't registered.
    function _reportMarket(uint32 market, uint64 debtor) private {
        Closing memory closing = closings[market];
        if (closing.longsLeft != 0 || closing.shortsLeft != 0) return;
        uint256 debt = debtOf[debtor];
        _setDebt(debtor, debt - _drawAll(debt));
    }

    /// @inheritdoc IInsolvency
    function fundInsurance(uint32 market, uint256 amount) external routed {
        if (market >= marketCount) revert IOracle.MarketUnknown(market);
        IERC20 token = IERC20(collateral);
        uint256 before = token.balanceOf(address(this));
        if (!TokenTransfer.pull(token, msg.sender, amount)) revert IAccounts.TokenRefused();
        uint256 received = token.balanceOf(address(this)) - before;
        if (received == 0) revert IAccounts.NothingMoved();
        if (received > type(uint128).max - custody) revert IAccounts.AmountTooLarge(received);
        custody += uint128(received);
        emit InsuranceFunded(market, msg.sender, received);
        _moveInsurance(market, int256(received));
    }

    /*──────────────────────────── deleveraging ───────────────────────────*/

    /// @inheritdoc IInsolvency
    function proposeDeleverage(uint64 account, uint32 market, uint64 counterparty)
        external
        routed
    {
        _requireBankrupt(account);
        Attempt memory attempt = _attempt(account, market, counterparty);
        if (!attempt.fits) revert NotACounterparty(counterparty, market);
        Candidate storage candidate = candidates[_positionKey(account, market)];
        uint64 standing = candidate.counterparty;
        // Whoever is no counterparty any more gives way to anybody, and the others get a new chance to
        // be named: else the first one to come after him could be executed unopposed.
        bool stands = standing != 0 && _outbid(attempt, market, standing);
        if (!stands || _isOver(_executableFrom(market, candidate.time))) {
            candidate.time = uint40(block.timestamp);
        }
        candidate.counterparty = counterparty;
        emit DeleverageProposed(account, market, counterparty, attempt.score);
    }

    /// Whether the standing candidate still is a counterparty; reverts unless the new one comes first.
    function _outbid(Attempt memory attempt, uint32 market, uint64 standing)
        private
        view
        returns (bool)
    {
        Attempt memory rival = _rival(attempt, market, standing);
        if (!rival.fits) return false;
        uint64 counterparty = attempt.counterparty.id;
        bool first = attempt.score > rival.score
            || (attempt.score == rival.score && counterparty < standing);
        if (!first) revert NotBetter(standing, counterparty);
        return true;
    }

    /// @inheritdoc IInsolvency
    function deleverage(uint64 account, uint32 market) external routed {
        uint256 key = _positionKey(account, market);
        Candidate memory candidate = candidates[key];
        if (candidate.counterparty == 0) revert NoCandidate(account, market);
        uint256 from = _executableFrom(market, candidate.time);
        if (block.timestamp < from) revert CandidateTooYoung(uint40(from));
        _requireBankrupt(account);
        Attempt memory attempt = _attempt(account, market, candidate.counterparty);
        if (!attempt.fits) revert NotACounterparty(candidate.counterparty, market);
        if (_isOver(from)) {
            candidates[key].time = uint40(block.timestamp);
            emit DeleverageProposed(account, market, candidate.counterparty, attempt.score);
            return;
        }
        delete candidates[key];
        emit Deleveraged(
            account, market, candidate.counterparty, attempt.size, uint64(attempt.price)
        );
        _bringUp(attempt.shelf, attempt.bankrupt);
        _bringUp(attempt.shelf, attempt.counterparty);
        _writeTrader(attempt.bankrupt);
        _writeTrader(attempt.counterparty);
        _closeShelf(attempt.shelf);
    }

    /// Seconds.
    function _executableFrom(uint32 market, uint256 named) private view returns (uint256) {
        return named + safetyRules[_underlying(market)].deleverageDelay;
    }

    function _isOver(uint256 executableFrom) private view returns (bool) {
        return block.timestamp > executableFrom + EXECUTION_SECONDS;
    }

    function _underlying(uint32 market) private view returns (uint32) {
        return market < SERIES_START ? market : strikes[market & ~uint32(1)].underlying;
    }

    /*────────────────────────── the end of a market ──────────────────────*/

    /// @inheritdoc IInsolvency
    function closeMarket(uint32 market, uint40 bucket) external routed {
        if (market >= marketCount) revert IOracle.MarketUnknown(market);
        MarketPrice memory price = markets[market].price;
        if (price.status == MarketStatus.Closed) revert IOracle.MarketClosed(market);
        bool dead = block.timestamp >= uint256(price.indexTime) + DEAD_SECONDS;
        if (!dead && msg.sender != guardian && msg.sender != timelock) revert MarketAlive(market);
        if (bucket != health[market].newestBucket) revert WrongBucket(bucket);
        uint256 end = (uint256(bucket) + 1) * IndexTwap.STEP;
        uint256 mean = IndexTwap.mean(indexSamples, _sampleKey(market, 0), bucket, end);
        if (mean == 0) revert WrongBucket(bucket);
        _accrueStored(market);
        _accruePart(market);
        // A mean of indexes fits where each of them does.
        (price.mark, price.index, price.status) = (uint64(mean), uint64(mean), MarketStatus.Closed);
        markets[market].price = price;
        uint64 open = markets[market].flow.openInterest;
        closings[market] = Closing(uint64(mean), open, open, 0, 0);
        emit MarketClosed(market, uint64(mean));
    }

    /// @inheritdoc IInsolvency
    function registerClosing(uint32 market, uint64[] calldata accounts_) external routed {
        Closing memory closing = closings[market];
        if (closing.price == 0) revert MarketNotClosed(market);
        Shelf memory shelf = _openShelf();
        for (uint256 i = 0; i < accounts_.length; i++) {
            Trader memory trader;
            _readTrader(trader, accounts_[i]);
            Perp memory perp = _perp(trader, market);
            bool registered = closingClaims[_positionKey(trader.id, market)] != 0;
            if (perp.size == 0 || registered) continue;
            _register(shelf, closing, trader, perp);
            _bringUp(shelf, trader);
            _writeTrader(trader);
        }
        closings[market] = closing;
        _closeShelf(shelf);
    }

    /// @inheritdoc IInsolvency
    function payClaims(uint32 market, uint64[] calldata accounts_) external routed {
        Closing memory closing = closings[market];
        if (closing.price == 0) revert MarketNotClosed(market);
        if (closing.longsLeft != 0 || closing.shortsLeft != 0) {
            revert PositionsLeft(market, closing.longsLeft, closing.shortsLeft);
        }
        Shelf memory shelf = _openShelf();
        for (uint256 i = 0; i < accounts_.length; i++) {
            uint256 key = _positionKey(accounts_[i], market);
            uint256 claim = closingClaims[key];
            if (claim == 0) continue;
            delete closingClaims[key];
            _pay(shelf, closing, accounts_[i], market, claim);
        }
        // What rounding left belongs to nobody once every claim is paid.
        if (closing.claims == 0 && closing.collected != 0) {
            _moveInsurance(market, int256(uint256(closing.collected)));
            closing.collected = 0;
        }
        closings[market] = closing;
        _closeShelf(shelf);
    }

    /// Ends a losing position, or writes down what a winning one may claim.
    function _register(
        Shelf memory shelf,
        Closing memory closing,
        Trader memory trader,
        Perp memory perp
    ) private {
        _settleFunding(shelf, trader, perp);
        int256 size = perp.size;
        int256 gain = PerpMath.unrealised(size, perp.cost, closing.price);
        emit PositionClosed(trader.id, perp.market, int64(size), gain);
        uint256 dust = _count(closing, size);
        if (gain > 0) {
            closingClaims[_positionKey(trader.id, perp.market)] = uint128(uint256(gain));
            closing.claims += uint128(uint256(gain));
            _collect(closing, perp.market, uint256(gain) + dust);
            return;
        }
        _collect(closing, perp.market, dust);
        _end(shelf, trader, perp, gain);
        uint256 debt = FixedMath.min(int256(_debtOf(shelf, trader)), -gain).abs();
        if (debt == 0) return;
        trader.cash += int256(debt);
        _miss(closing, perp.market, debt - _drawInsurance(perp.market, debt));
    }

    /// Pays a claim its share of the cover at that time: shares don't depend on the order but for
    /// the units that rounding leaves to those who come later.
    function _pay(
        Shelf memory shelf,
        Closing memory closing,
        uint64 account,
        uint32 market,
        uint256 claim
    ) private {
        uint256 paid = closing.collected < closing.claims
            ? claim * closing.collected / closing.claims
            : claim;
        closing.claims -= uint128(claim);
        closing.collected -= uint128(paid);
        Trader memory trader;
        _readTrader(trader, account);
        _end(shelf, trader, _perp(trader, market), int256(paid));
        _bringUp(shelf, trader);
        _writeTrader(trader);
        emit ClaimPaid(account, market, claim, paid);
    }

    /// Removes a position for `result` (q6) to cash.
    function _end(Shelf memory shelf, Trader memory trader, Perp memory perp, int256 result)
        private
        view
    {
        MarketView memory view_ = _marketOf(shelf, perp.market);
        view_.openInterest -= uint256(perp.size.max(0));
        (view_.dirty, perp.dirty) = (true, true);
        (perp.size, perp.cost) = (0, 0);
        trader.cash += result;
        if (!trader.cash.fitsInt96()) revert FieldOverflow();
    }

    function _settleFunding(Shelf memory shelf, Trader memory trader, Perp memory perp)
        private
        view
    {
        MarketView memory view_ = _marketOf(shelf, perp.market);
        int256 payment = PerpMath.fundingPayment(perp.size, view_.fundingIndex - perp.funding);
        trader.cash += payment;
        if (!trader.cash.fitsInt96()) revert FieldOverflow();
        view_.poolChange -= payment;
        perp.funding = view_.fundingIndex;
        (view_.dirty, perp.dirty) = (true, true);
    }

    /// Takes a position off those that aren't registered. Each is valued by itself and floored, the
    /// rest as one: the unit by which they may differ is returned.
    function _count(Closing memory closing, int256 size) private pure returns (uint256 dust) {
        int256 before = _valueLeft(closing);
        if (size > 0) closing.longsLeft -= uint64(uint256(size));
        else closing.shortsLeft -= uint64(size.abs());
        int256 own = PerpMath.unrealised(size, 0, closing.price);
        // floor(a + b) - floor(a) - floor(b) is 0 or 1.
        dust = uint256(before - _valueLeft(closing) - own);
    }

    function _valueLeft(Closing memory closing) private pure returns (int256) {
        int256 size = int256(uint256(closing.longsLeft)) - int256(uint256(closing.shortsLeft));
        return PerpMath.unrealised(size, 0, closing.price);
    }

    /// Adds to the cover of the claims (q6), once the market's own debt is made up for.
    function _collect(Closing memory closing, uint32 market, uint256 amount) private {
        uint64 debtor = type(uint64).max - market;
        uint256 debt = debtOf[debtor];
        uint256 made = amount < debt ? amount : debt;
        _setDebt(debtor, debt - made);
        closing.collected += uint128(amount - made);
    }

    /// Takes what nobody paid (q6) from the cover of the claims; the market owes the rest.
    function _miss(Closing memory closing, uint32 market, uint256 amount) private {
        uint256 taken = amount < closing.collected ? amount : closing.collected;
        closing.collected -= uint128(taken);
        uint64 debtor = type(uint64).max - market;
        _setDebt(debtor, debtOf[debtor] + amount - taken);
    }
}
