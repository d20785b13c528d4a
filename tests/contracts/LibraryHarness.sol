// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Boundary, BoundaryHash} from "../../bridge/contracts/libraries/Boundary.sol";
import {CloneWithArgs} from "../../bridge/contracts/libraries/CloneWithArgs.sol";
import {MerkleTrie} from "../../bridge/contracts/libraries/MerkleTrie.sol";
import {AddressAlias} from "../../execution/contracts/system/AddressAlias.sol";
import {Predeploys} from "../../execution/contracts/system/Predeploys.sol";
import {Withdrawal, WithdrawalHash} from "../../execution/contracts/system/Withdrawal.sol";

/// @title  The internal libraries, callable
contract LibraryHarness {
    event Cloned(address clone);

    function get(bytes32 root, bytes32 key, bytes[] calldata proof)
        external
        pure
        returns (bytes memory)
    {
        return MerkleTrie.get(root, key, proof);
    }

    function outputRoot(Boundary calldata boundary) external pure returns (bytes32) {
        return BoundaryHash.compute(boundary);
    }

    function hashWithdrawal(Withdrawal calldata withdrawal) external pure returns (bytes32) {
        return WithdrawalHash.compute(withdrawal);
    }

    function toL2(address account) external pure returns (address) {
        return AddressAlias.toL2(account);
    }

    function toL1(address account) external pure returns (address) {
        return AddressAlias.toL1(account);
    }

    function predeploys() external pure returns (address[6] memory) {
        return [
            Predeploys.L2_CROSS_DOMAIN_MESSENGER,
            Predeploys.L1_BLOCK,
            Predeploys.L2_TO_L1_MESSAGE_PASSER,
            Predeploys.COLLATERAL_TOKEN,
            Predeploys.GOVERNANCE,
            Predeploys.DEPOSITOR
        ];
    }

    function isPredeploy(address account) external pure returns (bool) {
        return Predeploys.isPredeploy(account);
    }

    function clone(bytes calldata args, bytes32 salt) external {
        emit Cloned(CloneWithArgs.create(address(this), args, salt));
    }

    function readArgs() external view returns (bytes memory) {
        return CloneWithArgs.readArgs();
    }
}
