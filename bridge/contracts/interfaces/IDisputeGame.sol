// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice How a game stands. The numbers are part of the interface.
enum GameStatus {
    InProgress,
    ChallengerWins,
    DefenderWins
}

/// @notice What a game is about, fixed at its creation and part of its code.
/// @param  rollup         The Rollup that created it.
/// @param  proposer       Who made the root claim and paid its bond.
/// @param  rootClaim      The output root that is claimed.
/// @param  l2Block        The block after which it is claimed.
/// @param  inboxCount     How many inbox items the claim takes into account.
/// @param  inboxAcc       The accumulator up to and with the last of them.
/// @param  anchorRoot     The output root that the trace starts from.
/// @param  anchorBlock    Its block.
/// @param  createdAt      When the game was created, in seconds.
/// @param  clock          How long either side may take down one path of claims, in seconds.
/// @param  clockExtension What a side has left at the least for its next answer, in seconds.
/// @param  payoutDelay    How long after the end bonds are held back, in seconds.
/// @param  bond           What the root claim stands for, in wei; deeper claims stand for more.
struct GameArgs {
    address rollup;
    address proposer;
    bytes32 rootClaim;
    uint256 l2Block;
    uint256 inboxCount;
    bytes32 inboxAcc;
    bytes32 anchorRoot;
    uint256 anchorBlock;
    uint256 createdAt;
    uint256 clock;
    uint256 clockExtension;
    uint256 payoutDelay;
    uint256 bond;
}

/// @notice What the Portal and the Rollup ask of a game.
interface IDisputeGame {
    /// @notice Sets the root claim up, with the bond; once, by the Rollup.
    function initialize() external payable;

    /// @notice The output root that is claimed.
    function rootClaim() external view returns (bytes32);

    /// @notice The block after which it is claimed.
    function l2Block() external view returns (uint256);

    /// @notice When the game was created, in seconds.
    function createdAt() external view returns (uint256);

    /// @notice When it was resolved, in seconds; 0 before.
    function resolvedAt() external view returns (uint256);

    /// @notice How it stands.
    function status() external view returns (GameStatus);
}
