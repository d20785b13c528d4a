// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "../interfaces/IERC20.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ TokenTransfer                                                                 │
│                                                                               │
│ Transfers that count as made only when the token has code, didn't revert and  │
│ returned true or nothing (EIP-20 as tokens practise it).                      │
──────────────────────────────────────────────────────────────────────────────*/
library TokenTransfer {
    function pull(IERC20 token, address from, uint256 amount) internal returns (bool) {
        return _call(token, abi.encodeCall(token.transferFrom, (from, address(this), amount)));
    }

    function push(IERC20 token, address to, uint256 amount) internal returns (bool) {
        return _call(token, abi.encodeCall(token.transfer, (to, amount)));
    }

    function _call(IERC20 token, bytes memory data) private returns (bool) {
        (bool succeeded, bytes memory answer) = address(token).call(data);
        if (!succeeded || address(token).code.length == 0) return false;
        return answer.length == 0 || (answer.length == 32 && uint256(bytes32(answer)) == 1);
    }
}
