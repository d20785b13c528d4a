// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OptionInput} from "../OptionTypes.sol";
import {Limiter} from "../SafetyTypes.sol";
import {PerpInput, Standing} from "../Types.sol";

/// @title Formulas of options, portfolio margin, failing accounts and breakers on given inputs
/// @dev They run the library code that the books run.
interface IFormulas {
    /// One perpetual is wanted for each index.
    error LengthsDiffer(uint256 indexes, uint256 perps);
    /// A size beyond 63 bits, or a mark or an index above 1e9 USD.
    error PerpOutOfBounds(uint256 perp);
    /// A size beyond 63 bits, or a scenario array that a series could not keep.
    error OptionOutOfBounds(uint256 option);

    /// @notice Black-76 value of one unit; all wad, time in seconds of a year of 365 days.
    function optionValue(
        bool isPut,
        uint256 forward,
        uint256 strike,
        uint256 volatility,
        uint256 secondsLeft,
        uint256 discount
    ) external pure returns (uint256);

    /// @notice Black-76 delta with respect to the forward, wad.
    function optionDelta(
        bool isPut,
        uint256 forward,
        uint256 strike,
        uint256 volatility,
        uint256 secondsLeft,
        uint256 discount
    ) external pure returns (int256);

    /// @notice A series' scenario array and value, p8; forward and strike p8, the rest wad.
    function optionScenarios(
        bool isPut,
        uint256 forward,
        uint256 strike,
        uint256 volatility,
        uint256 secondsLeft,
        uint256 discount
    ) external pure returns (int256[24] memory pnl, uint256 value);

    /// @notice A perpetual's PnL a unit in each scenario, p8.
    function perpScenarios(uint256 mark) external pure returns (int256[24] memory pnl);

    /// @notice Stressed volatilities, wad.
    function stressedVolatility(uint256 volatility, uint256 secondsLeft)
        external
        pure
        returns (uint256 up, uint256 down);

    /// @notice Payoff of `size` (s8) at expiry, q6 to cash; strike and settlement p8.
    function optionPayoff(bool isPut, uint256 strike, uint256 settlement, int256 size)
        external
        pure
        returns (int256);

    /// @notice Standing of a hypothetical account in portfolio margin, and what it gains in the 24
    /// scenarios (q6) of each underlying. Options are priced as `priceSeries` does.
    /// @param cash q6. @param indexes p8, of each underlying. @param perps One an underlying, size 0
    /// for none.
    function portfolioStanding(
        int256 cash,
        uint256[] calldata indexes,
        PerpInput[] calldata perps,
        OptionInput[] calldata options
    ) external pure returns (Standing memory standing, int256[24][] memory pnl);

    /// @notice How much of a position a liquidation closes, s8: the smallest multiple of `lot` after
    /// which equity is 1.25 of maintenance, all of it when none is. `others` is the maintenance (q6)
    /// of the account's other positions; rates ppm, prices p8.
    function liquidationSize(
        int256 size,
        int256 equity,
        uint256 others,
        uint256 mark,
        uint256 price,
        uint256 mmf,
        uint256 fee,
        uint256 lot
    ) external pure returns (uint256);

    /// @notice Bankruptcy price of a position, p8, on the tick in the account's favour. Equity,
    /// the position's maintenance and the account's q6.
    function bankruptcyPrice(
        int256 size,
        uint256 mark,
        int256 equity,
        uint256 positionMaintenance,
        uint256 maintenance,
        uint256 tick
    ) external pure returns (uint256);

    /// @notice Place in the deleveraging order, wad: (uPnL / |cost|) * (notional / equity); 0 for who
    /// isn't a counterparty.
    function deleverageScore(int256 unrealised, int256 cost, uint256 notional, int256 equity)
        external
        pure
        returns (uint256);

    /// @notice A limiter's capacity (q6) now, before an operation.
    function limiterRefill(Limiter calldata limiter, uint256 custody, uint256 time)
        external
        pure
        returns (uint256);

    /// @notice A limiter's capacity (q6) after a deposit.
    function limiterDeposit(uint256 capacity, uint256 cap, uint256 amount)
        external
        pure
        returns (uint256);

    /// @notice floor of the mean of samples, p8.
    function samplesMean(uint256[] calldata samples) external pure returns (uint256);

    /// @notice The last price (p8, on the tick) at which a cross account is liquidatable because of
    /// its position number `which`, everything else unmoved; 0 when there is none.
    function liquidationPrice(int256 cash, PerpInput[] calldata perps, uint256 which, uint256 tick)
        external
        pure
        returns (uint256);
}
