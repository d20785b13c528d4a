// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {NormalMath} from "../../execution/contracts/libraries/NormalMath.sol";
import {OptionMath} from "../../execution/contracts/libraries/OptionMath.sol";
import {Q96} from "../../execution/contracts/libraries/Q96.sol";
import {Scenarios} from "../../execution/contracts/libraries/Scenarios.sol";
import {SeriesArray} from "../../execution/contracts/libraries/SeriesArray.sol";

/// @title  What `Formulas` does not tell of the pricing libraries, and what they cost
contract PricerProbe {
    function exp(int256 x) external pure returns (int256) {
        return Q96.exp(x);
    }

    function ln(uint256 x) external pure returns (int256) {
        return Q96.ln(x);
    }

    function sqrt(uint256 x) external pure returns (uint256) {
        return Q96.sqrt(x);
    }

    function cdf(int256 d) external pure returns (int256) {
        return NormalMath.cdf(d);
    }

    /// @return a p8. @return price p8. @return gas Of the library alone.
    function scenarios(
        bool isPut,
        uint256 forward,
        uint256 strike,
        uint256 volatility,
        uint256 secondsLeft,
        uint256 discount
    ) external view returns (int256[24] memory a, uint256 price, uint256 gas) {
        gas = gasleft();
        (a, price) =
            OptionMath.scenarios(isPut, forward, strike, volatility, secondsLeft, discount);
        gas -= gasleft();
    }

    function list()
        external
        pure
        returns (int256[24] memory moves, uint256[24] memory weights, bool[24] memory ups)
    {
        for (uint256 i = 0; i < Scenarios.COUNT; i++) {
            moves[i] = Scenarios.move(i);
            weights[i] = Scenarios.weight(i);
            ups[i] = Scenarios.volatilityUp(i);
        }
    }

    function setPerp(int256[24] memory gains, uint256 mark, int256 size)
        external
        view
        returns (int256[24] memory, uint256 gas)
    {
        gas = gasleft();
        Scenarios.setPerp(gains, mark, size);
        gas -= gasleft();
        return (gains, gas);
    }

    function fits(int256[24] memory a, uint256 price, uint256 spot)
        external
        pure
        returns (bool)
    {
        return SeriesArray.fits(a, price, spot);
    }

    function pack(int256[24] memory a, uint256 price, uint256 time, uint256 spot)
        external
        view
        returns (uint256[5] memory words, uint256 gas)
    {
        gas = gasleft();
        words = SeriesArray.pack(a, price, time, spot);
        gas -= gasleft();
    }

    function unpack(uint256[5] memory words)
        external
        pure
        returns (int256[24] memory a, uint256 time, uint256 spot, uint256 price)
    {
        a = SeriesArray.lanes(words);
        (time, spot, price) = SeriesArray.head(words[0]);
    }

    function addTo(int256[24] memory sums, uint256[5] memory words, int256 size)
        external
        view
        returns (int256[24] memory, uint256 gas)
    {
        gas = gasleft();
        SeriesArray.addTo(sums, words, size);
        gas -= gasleft();
        return (sums, gas);
    }

    function holdingValue(uint256 price, int256 size) external pure returns (int256) {
        return SeriesArray.holdingValue(price, size);
    }
}
