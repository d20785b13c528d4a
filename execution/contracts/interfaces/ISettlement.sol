// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Reason} from "../Types.sol";

/// @title Settling fills between signed orders
interface ISettlement {
    /// @notice A fill is on the books. Prices p8, size s8, fees q6 (a rebate is negative).
    event FillSettled(
        uint32 indexed market,
        uint64 indexed taker,
        uint64 indexed maker,
        bool takerBuys,
        uint64 size,
        uint64 price,
        int256 takerFee,
        int256 makerFee
    );

    /// @notice Fill number `index` of the batch was skipped; nothing of it happened.
    event FillRejected(uint256 indexed index, Reason reason);

    /// @notice The gas left would not have sufficed; fills from `firstUnprocessed` on were not
    /// looked at.
    event BatchStopped(uint256 firstUnprocessed);

    /// @notice Settle fills between signed orders. Matcher only. Never reverts because of a fill.
    /// @dev All integers big-endian, no padding.
    /// @param orders Each distinct order once, 110 bytes: account u64, market u32, bits u8 (0x80
    /// buy, low four bits the order's flags), size u64 (s8), price u64 (p8), maxFeePpm i32, nonce
    /// u64, expiry u40 (s), then the signature as r and vs (EIP-2098).
    /// @param fills 12 bytes each: taker u16 and maker u16, which count the orders from 0, and size
    /// u64 (s8).
    /// @param clearing Of auction markets only, 12 bytes each: market u32, clearing price u64 (p8).
    function settleBatch(bytes calldata orders, bytes calldata fills, bytes calldata clearing)
        external;
}
