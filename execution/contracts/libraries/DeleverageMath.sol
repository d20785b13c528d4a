// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedMath} from "./FixedMath.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ DeleverageMath                                                                │
│                                                                               │
│ At what price a bankrupt account's position closes against a counterparty in  │
│ profit, and which counterparty comes first.                                   │
──────────────────────────────────────────────────────────────────────────────*/
library DeleverageMath {
    using FixedMath for int256;

    /// p8 * s8 over q6.
    uint256 private constant PRICE_SIZE = 1e10;
    /// Of a score.
    uint256 private constant WAD = 1e18;

    /// @notice mark - equity * (positionMaintenance / maintenance) / size: the price (p8) that uses up
    /// the position's share of the account's equity. One rounding, to a tick in the account's
    /// favour: up for a long, who sells, down for a short, who buys; never below zero.
    /// @param size s8, not zero. @param mark p8. @param equity q6, the account's.
    /// @param positionMaintenance q6. @param maintenance q6, the account's, positive.
    function bankruptcyPrice(
        int256 size,
        uint256 mark,
        int256 equity,
        uint256 positionMaintenance,
        uint256 maintenance,
        uint256 tick
    ) internal pure returns (uint256) {
        // mark < 2^64, size and tick < 2^64, equity and maintenance < 2^97: no product passes 2^228.
        uint256 unit = maintenance * size.abs();
        int256 share = equity * int256(positionMaintenance * PRICE_SIZE);
        int256 valued = int256(mark * unit);
        int256 price = size > 0 ? valued - share : valued + share;
        if (price <= 0) return 0;
        uint256 step = unit * tick;
        uint256 ticks =
            size > 0 ? FixedMath.ceilDiv(uint256(price), step) : uint256(price) / step;
        return ticks * tick;
    }

    /// @notice Place of a counterparty in the order, wad, floored: (unrealised / |cost|) *
    /// (notional / equity), so that who gained most on the least equity comes first. Zero for who is
    /// no counterparty: no gain, or no equity.
    /// @param unrealised q6, of the position. @param cost q6. @param notional q6.
    /// @param equity q6, of the account.
    function score(int256 unrealised, int256 cost, uint256 notional, int256 equity)
        internal
        pure
        returns (uint256)
    {
        if (unrealised <= 0 || equity <= 0) return 0;
        // Each amount is below 2^97, so that the product stays below 2^254. A position on the grid of
        // ticks and lots costs at least one unit.
        uint256 base = FixedMath.max(cost.abs(), 1) * uint256(equity);
        return uint256(unrealised) * WAD * notional / base;
    }
}
