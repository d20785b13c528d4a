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

    /// Whether order number `index` of the table is `trader`'s, in force, and signed by somebody who
    /// may trade for it.
    function _authorise(
        bytes calldata orders,
        uint256 index,
        Orders.Order memory order,
        Trader memory trader
    ) internal view returns (Reason) {
        if (block.timestamp > order.expiry) return Reason.OrderExpired;
        if (trader.owner == address(0)) return Reason.UnknownAccount;
        if (order.nonce >> 32 != trader.state.orderEpoch) return Reason.WrongEpoch;
        (bytes32 r, bytes32 vs) = Orders.signature(orders, index);
        address signer = Signatures.recover(Orders.digest(order, _domainSeparator()), r, vs);
        if (signer == address(0)) return Reason.BadSignature;
        bool allowed = signer == trader.owner || _isLive(trader, order.market, signer);
        return allowed ? Reason.None : Reason.SignerNotAllowed;
    }

    /// Whether a session key may trade in a perpetual market.
    function _isLive(Trader memory trader, uint32 market, address signer)
        private
        view
        returns (bool)
    {
        SessionKey memory key = sessionKeys[trader.id][signer];
        return key.expiry >= block.timestamp && key.epoch == trader.state.sessionEpoch
            && (key.perps >> market) & 1 != 0;
    }

    /// s8 filled under an order's nonce, or CANCELLED.
    function _filled(Orders.Order memory order) internal view returns (uint256) {
        return (orderFills[_laneKey(order)] >> _laneShift(order)) & CANCELLED;
    }

    /// Adds to an order's lane; the caller made sure that it stays within the order's size.
    function _fillLane(Orders.Order memory order, uint256 size) internal {
        orderFills[_laneKey(order)] += size << _laneShift(order);
    }

    function _laneKey(Orders.Order memory order) private pure returns (uint256) {
        return (uint256(order.account) << 64) | (order.nonce >> 2);
    }

    function _laneShift(Orders.Order memory order) private pure returns (uint256) {
        return (order.nonce & 3) * 64;
    }
}
