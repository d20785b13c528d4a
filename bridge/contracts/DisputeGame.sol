// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {GameArgs, GameStatus, IDisputeGame} from "./interfaces/IDisputeGame.sol";
import {IRollup} from "./interfaces/IRollup.sol";
import {CloneWithArgs} from "./libraries/CloneWithArgs.sol";

/// @title  DisputeGame
/// @notice One proposed output root, its bond and its clock; created by the Rollup as a proxy whose
///         code carries GameArgs.
///
///         THERE IS NO CHALLENGE YET. This contract has no move against a claim and is no fraud proof:
///         an output root stands when its clock has run out, right or wrong, so until moves exist its
///         truth rests on who proposes. The claim tree, the clocks, the bonds and the pulled payouts
///         have the shape that the moves will need.
contract DisputeGame is IDisputeGame {
    /// @notice A claim in the tree, about the state at one position of the trace.
    /// @param  parentIndex The claim that it answers; none for the root claim.
    /// @param  counteredBy Who refuted it; zero while nobody did.
    /// @param  claimant    Who made it.
    /// @param  bond        What it stands for, in wei.
    /// @param  claim       The commitment that is claimed.
    /// @param  position    Generalized index in the tree over the trace; 1 is the root.
    /// @param  clockUsed   Seconds that the claimant's side had used up.
    /// @param  madeAt      When the claim was made, in seconds.
    struct Claim {
        uint32 parentIndex;
        address counteredBy;
        address claimant;
        uint96 bond;
        bytes32 claim;
        uint128 position;
        uint64 clockUsed;
        uint64 madeAt;
    }

    /// @notice Only the Rollup that created the game.
    error OnlyRollup(address caller);

    /// @notice The game is set up.
    error AlreadyInitialized();

    /// @notice The game is resolved.
    error AlreadyResolved();

    /// @notice The root claim's clock runs until `resolvableAt` (seconds).
    error ClockRunning(uint256 resolvableAt);

    /// @notice Nothing is owed to this account.
    error NoCredit(address recipient);

    /// @notice The account doesn't take the ether.
    error PayoutFailed(address recipient);

    /// @notice A claim was made; the root claim has parent 2^32-1.
    event ClaimMade(
        uint256 indexed index, uint256 parentIndex, bytes32 claim, address indexed claimant
    );

    /// @notice The game ended.
    event Resolved(GameStatus indexed status);

    /// @notice A credit was paid, in wei.
    event CreditClaimed(address indexed recipient, uint256 amount);

    uint32 private constant NO_PARENT = type(uint32).max;

    /// @inheritdoc IDisputeGame
    GameStatus public status;

    uint64 private _resolvedAt;

    /// @notice The claims of the game, the root claim first.
    Claim[] public claims;

    /// @notice What accounts may take out with claimCredit, in wei.
    mapping(address account => uint256 amount) public credit;

    /*//////////////////////////////////////////////////////////////////////////
                                       PLAYING
    //////////////////////////////////////////////////////////////////////////*/

    /// @inheritdoc IDisputeGame
    /// @dev Reverts with OnlyRollup or AlreadyInitialized.
    function initialize() external payable {
        GameArgs memory game = args();
        if (msg.sender != game.rollup) revert OnlyRollup(msg.sender);
        if (claims.length != 0) revert AlreadyInitialized();
        claims.push(
            Claim({
                parentIndex: NO_PARENT,
                counteredBy: address(0),
                claimant: game.proposer,
                // The Rollup's constructor holds that the bond fits.
                bond: uint96(msg.value),
                claim: game.rootClaim,
                position: 1,
                clockUsed: 0,
                madeAt: uint64(game.createdAt)
            })
        );
        emit ClaimMade(0, NO_PARENT, game.rootClaim, game.proposer);
    }

    /// @notice Ends the game once the clock of those who might object has run out. Anyone may. The
    ///         proposer's bond becomes credit, and the Rollup learns of the result.
    /// @dev    Reverts with AlreadyResolved or ClockRunning. No move can counter a claim yet, so an
    ///         expired clock always means that the root claim stands.
    function resolve() external returns (GameStatus) {
        if (status != GameStatus.InProgress) revert AlreadyResolved();
        GameArgs memory game = args();
        uint256 expiry = game.createdAt + game.clock;
        if (block.timestamp < expiry) revert ClockRunning(expiry);
        status = GameStatus.DefenderWins;
        _resolvedAt = uint64(block.timestamp);
        Claim storage root = claims[0];
        credit[root.claimant] += root.bond;
        emit Resolved(GameStatus.DefenderWins);
        IRollup(game.rollup).gameResolved();
        return GameStatus.DefenderWins;
    }

    /// @notice Pays `recipient` what the game owes it. Anyone may call; pulled, so that an account that
    ///         refuses its money holds up nobody else.
    /// @dev    Reverts with NoCredit or PayoutFailed.
    function claimCredit(address recipient) external {
        uint256 amount = credit[recipient];
        if (amount == 0) revert NoCredit(recipient);
        credit[recipient] = 0;
        emit CreditClaimed(recipient, amount);
        (bool success,) = recipient.call{value: amount}("");
        if (!success) revert PayoutFailed(recipient);
    }

    /*//////////////////////////////////////////////////////////////////////////
                                       READING
    //////////////////////////////////////////////////////////////////////////*/

    /// @notice What the game is about.
    function args() public view returns (GameArgs memory) {
        return abi.decode(CloneWithArgs.readArgs(), (GameArgs));
    }

    /// @notice How many claims there are.
    function claimCount() external view returns (uint256) {
        return claims.length;
    }

    /// @inheritdoc IDisputeGame
    function rootClaim() external view returns (bytes32) {
        return args().rootClaim;
    }

    /// @inheritdoc IDisputeGame
    function l2Block() external view returns (uint256) {
        return args().l2Block;
    }

    /// @inheritdoc IDisputeGame
    function createdAt() external view returns (uint256) {
        return args().createdAt;
    }

    /// @inheritdoc IDisputeGame
    function resolvedAt() external view returns (uint256) {
        return _resolvedAt;
    }

    /// @notice When the game may be resolved, in seconds.
    function resolvableAt() external view returns (uint256) {
        GameArgs memory game = args();
        return game.createdAt + game.clock;
    }

    /// @notice Who made the root claim.
    function proposer() external view returns (address) {
        return args().proposer;
    }
}
