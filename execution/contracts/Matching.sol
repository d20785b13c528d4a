// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Books} from "./Books.sol";
import {Orders} from "./libraries/Orders.sol";
import {Signatures} from "./libraries/Signatures.sol";
import {Reason, SessionKey} from "./Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Matching                                                                      │
│                                                                               │
│ What a signed order allows, whoever brings it: who signed it, how long, and   │
│ how much of it is left.                                                       │
──────────────────────────────────────────────────────────────────────────────*/
abstract contract Matching is Books {
    /// Of a fill lane.
    uint256 internal constant CANCELLED = type(uint64).max;

    /// Whether order number `index` of the table is `trader`'s, in force, and signed in `domain` by
    /// somebody who may trade for it.
    function _authorise(
        bytes calldata orders,
        uint256 index,
        Orders.Order memory order,
        Trader memory trader,
        bytes32 domain
    ) internal view returns (Reason) {
        if (block.timestamp > order.expiry) return Reason.OrderExpired;
        address owner = trader.owner;
        if (owner == address(0)) return Reason.UnknownAccount;
        if (order.nonce >> 32 != trader.state.orderEpoch()) return Reason.WrongEpoch;
        (bytes32 r, bytes32 vs) = Orders.signature(orders, index);
        address signer = Signatures.recover(Orders.digest(order, domain), r, vs);
        if (signer == address(0)) return Reason.BadSignature;
        if (signer == owner || _isLive(trader, order.market, signer)) return Reason.None;
        return Reason.SignerNotAllowed;
    }

    /// Whether a session key may trade in a market; a series is traded by the keys of its underlying.
    function _isLive(Trader memory trader, uint32 market, address signer)
        private
        view
        returns (bool)
    {
        SessionKey memory key = sessionKeys[trader.id][signer];
        if (key.expiry < block.timestamp || key.epoch != trader.state.sessionEpoch()) return false;
        if (market >= SERIES_START) market = strikes[market & ~uint32(1)].underlying;
        return (key.perps >> market) & 1 != 0;
    }

    /// The slot of `orderFills` that an order's lane is in, and its content.
    function _lanes(Orders.Order memory order)
        internal
        view
        returns (uint256 place, uint256 lanes)
    {
        uint256 key = (uint256(order.account) << 64) | (order.nonce >> 2);
        // As Solidity finds the place of a mapping's value, in the scratch space.
        assembly ("memory-safe") {
            mstore(0, key)
            mstore(32, orderFills.slot)
            place := keccak256(0, 64)
            lanes := sload(place)
        }
    }

    /// s8 filled under an order's nonce, or CANCELLED, as its slot's content says.
    function _filledOf(Orders.Order memory order, uint256 lanes) internal pure returns (uint256) {
        return (lanes >> _laneShift(order)) & CANCELLED;
    }

    /// s8 filled under an order's nonce, or CANCELLED.
    function _filled(Orders.Order memory order) internal view returns (uint256) {
        (, uint256 lanes) = _lanes(order);
        return _filledOf(order, lanes);
    }

    /// Adds to an order's lane; the caller made sure that it stays within the order's size, which is
    /// below 2^63.
    function _fillLane(Orders.Order memory order, uint256 size) internal {
        (uint256 place, uint256 lanes) = _lanes(order);
        _fillLane(order, place, lanes, size);
    }

    /// As the other, of an order whose slot has been read and not changed since.
    function _fillLane(Orders.Order memory order, uint256 place, uint256 lanes, uint256 size)
        internal
    {
        unchecked {
            lanes += size << _laneShift(order);
        }
        assembly ("memory-safe") {
            sstore(place, lanes)
        }
    }

    function _laneShift(Orders.Order memory order) private pure returns (uint256) {
        return (order.nonce & 3) * 64;
    }
}
