// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Account} from "../Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ AccountWord                                                                   │
│                                                                               │
│ An account as it lies in its slot: of its eight members most calls need two   │
│ or three, so that it is kept whole and each member is taken out when asked.   │
──────────────────────────────────────────────────────────────────────────────*/

/// The members of `Account`, in their order, from the low end.
type AccountWord is uint256;

using AccountWords for AccountWord global;

library AccountWords {
    uint256 private constant CASH = 0;
    uint256 private constant PERPS = 96;
    uint256 private constant FLAGS = 160;
    uint256 private constant MARGIN_MODE = 168;
    uint256 private constant FEE_TIER = 176;
    uint256 private constant OPTIONS = 184;
    uint256 private constant ORDER_EPOCH = 192;
    uint256 private constant SESSION_EPOCH = 224;

    function read(Account storage account) internal view returns (AccountWord word) {
        assembly ("memory-safe") {
            word := sload(account.slot)
        }
    }

    function write(Account storage account, AccountWord word) internal {
        assembly ("memory-safe") {
            sstore(account.slot, word)
        }
    }

    /// @return q6.
    function cash(AccountWord word) internal pure returns (int96) {
        return int96(uint96(AccountWord.unwrap(word) >> CASH));
    }

    function perps(AccountWord word) internal pure returns (uint64) {
        return uint64(AccountWord.unwrap(word) >> PERPS);
    }

    function flags(AccountWord word) internal pure returns (uint8) {
        return uint8(AccountWord.unwrap(word) >> FLAGS);
    }

    function marginMode(AccountWord word) internal pure returns (uint8) {
        return uint8(AccountWord.unwrap(word) >> MARGIN_MODE);
    }

    function feeTier(AccountWord word) internal pure returns (uint8) {
        return uint8(AccountWord.unwrap(word) >> FEE_TIER);
    }

    function options(AccountWord word) internal pure returns (uint8) {
        return uint8(AccountWord.unwrap(word) >> OPTIONS);
    }

    function orderEpoch(AccountWord word) internal pure returns (uint32) {
        return uint32(AccountWord.unwrap(word) >> ORDER_EPOCH);
    }

    function sessionEpoch(AccountWord word) internal pure returns (uint32) {
        return uint32(AccountWord.unwrap(word) >> SESSION_EPOCH);
    }

    function withCash(AccountWord word, int96 value) internal pure returns (AccountWord) {
        return _with(word, CASH, type(uint96).max, uint96(value));
    }

    function withPerps(AccountWord word, uint64 value) internal pure returns (AccountWord) {
        return _with(word, PERPS, type(uint64).max, value);
    }

    function withMarginMode(AccountWord word, uint8 value) internal pure returns (AccountWord) {
        return _with(word, MARGIN_MODE, type(uint8).max, value);
    }

    function withOptions(AccountWord word, uint8 value) internal pure returns (AccountWord) {
        return _with(word, OPTIONS, type(uint8).max, value);
    }

    function withOrderEpoch(AccountWord word, uint32 value) internal pure returns (AccountWord) {
        return _with(word, ORDER_EPOCH, type(uint32).max, value);
    }

    function _with(AccountWord word, uint256 shift, uint256 mask, uint256 value)
        private
        pure
        returns (AccountWord)
    {
        uint256 others = AccountWord.unwrap(word) & ~(mask << shift);
        return AccountWord.wrap(others | (value << shift));
    }
}
