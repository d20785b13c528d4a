// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Account, Market, OracleSigner, Position, SessionKey} from "./Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Storage                                                                       │
│                                                                               │
│ The one storage that the router and every module share. Modules declare no    │
│ state variable of their own: whatever they keep stands here, in this order.   │
│ New variables are appended.                                                   │
──────────────────────────────────────────────────────────────────────────────*/
abstract contract Storage {
    address internal timelock;
    /// Whether fills may only reduce positions, in every market.
    bool internal paused;
    /// Accounts so far; ids start at 1.
    uint64 internal accountCount;

    address internal guardian;
    /// Perpetual markets so far; ids start at 0 and stay below 64.
    uint32 internal marketCount;

    address internal matcher;
    /// The collateral, an ERC-20 with 6 decimals.
    address internal collateral;

    /// q6: collateral that the books account for, at most the token balance.
    uint128 internal custody;
    /// q6: fees taken and not yet collected.
    uint128 internal feeFund;

    mapping(uint64 account => Account) internal accounts;
    mapping(uint64 account => address) internal owners;
    mapping(address owner => uint64[]) internal accountsOf;
    mapping(uint64 account => mapping(address key => SessionKey)) internal sessionKeys;
    /// By account << 32 | market.
    mapping(uint256 key => Position) internal positions;
    /// Four uint64 lanes a slot, by account << 64 | nonce >> 2, lane nonce & 3 from the low end:
    /// s8 filled so far under that nonce, or 2^64 - 1 once cancelled.
    mapping(uint256 key => uint256) internal orderFills;
    mapping(uint32 market => Market) internal markets;

    mapping(address signer => OracleSigner) internal oracleSigners;
    address[] internal oracleSignerList;
    /// Sum of the signers' weights.
    uint64 internal oracleWeight;

    /// Set while a call that writes is running: no other call, not even a read, gets in.
    bool internal transient entered;
}
