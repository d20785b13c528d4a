// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {GameArgs, GameStatus, IDisputeGame} from "./interfaces/IDisputeGame.sol";
import {IInbox} from "./interfaces/IInbox.sol";
import {IRollup} from "./interfaces/IRollup.sol";
import {CloneWithArgs} from "./libraries/CloneWithArgs.sol";

/// @title  Rollup
/// @notice Takes proposals of L2 output roots, each with a bond and a game of its own, and keeps the
///         anchor: the newest output root that stood. Anyone may propose; nobody administers it.
///
///         See DisputeGame: no claim can be challenged yet.
contract Rollup is IRollup {
    /// @notice The ether sent isn't the bond. In wei.
    error WrongBond(uint256 sent, uint256 needed);

    /// @notice The block isn't after the anchor's.
    error BlockNotAfterAnchor(uint256 l2Block, uint256 anchorBlock);

    /// @notice The inbox has no such prefix: fewer items, or an L1 reorg changed them.
    error InboxMoved(uint256 inboxCount, bytes32 expected, bytes32 actual);

    /// @notice The same claim was made before.
    error AlreadyProposed(address game);

    /// @notice The caller is no game of this contract.
    error OnlyGame(address caller);

    /// @notice The bond is above what a claim can hold, in wei.
    error BondTooHigh(uint256 bond, uint256 limit);

    /// @notice An output root was proposed.
    event Proposed(
        address indexed game, bytes32 indexed outputRoot, uint256 indexed l2Block, address proposer
    );

    /// @notice The anchor moved on to what a game had claimed.
    event AnchorMoved(address indexed game, bytes32 indexed outputRoot, uint256 indexed l2Block);

    /// @notice An output root and its block.
    struct Anchor {
        bytes32 root;
        uint256 l2Block;
    }

    /// @notice The log that L2 follows from.
    IInbox public immutable inbox;

    /// @notice What a proposal costs until it stands, in wei.
    uint256 public immutable bond;

    /// @notice How long a proposal may be objected to, in seconds.
    uint256 public immutable disputeWindow;

    /// @notice The code of the games.
    address public immutable gameImplementation;

    /// @notice The newest output root that stood; at first that of L2's genesis.
    Anchor public anchor;

    address[] private _games;

    /// @inheritdoc IRollup
    mapping(address game => bool known) public isGame;

    /// @notice The game of a claim by `claimId`.
    mapping(bytes32 claimId => address game) public gameOf;

    /// @param inbox_              The log that L2 follows from.
    /// @param genesisOutputRoot_  Output root of L2's block 0.
    /// @param bond_               What a proposal costs until it stands, in wei.
    /// @param disputeWindow_      How long a proposal may be objected to, in seconds.
    /// @param gameImplementation_ A deployed DisputeGame.
    constructor(
        IInbox inbox_,
        bytes32 genesisOutputRoot_,
        uint256 bond_,
        uint256 disputeWindow_,
        address gameImplementation_
    ) {
        if (bond_ > type(uint96).max) revert BondTooHigh(bond_, type(uint96).max);
        inbox = inbox_;
        bond = bond_;
        disputeWindow = disputeWindow_;
        gameImplementation = gameImplementation_;
        anchor = Anchor(genesisOutputRoot_, 0);
    }

    /// @notice Claims that the chain's output root after `l2Block` is `outputRoot`, derived from the
    ///         first `inboxCount` items of the inbox. Costs exactly `bond` wei, which the proposer gets
    ///         back from the game when the claim has stood.
    /// @dev    Reverts with WrongBond, BlockNotAfterAnchor, InboxMoved or AlreadyProposed.
    /// @param  inboxAcc Accumulator up to and with the last of those items, so that after an L1 reorg
    ///                  the proposal reverts instead of meaning something else.
    /// @return game     The proposal's game.
    function propose(bytes32 outputRoot, uint256 l2Block, uint256 inboxCount, bytes32 inboxAcc)
        external
        payable
        returns (address game)
    {
        if (msg.value != bond) revert WrongBond(msg.value, bond);
        Anchor memory start = anchor;
        if (l2Block <= start.l2Block) revert BlockNotAfterAnchor(l2Block, start.l2Block);
        _requireInbox(inboxCount, inboxAcc);
        bytes32 id = claimId(outputRoot, l2Block, inboxCount, inboxAcc, start.root);
        if (gameOf[id] != address(0)) revert AlreadyProposed(gameOf[id]);

        GameArgs memory args = GameArgs({
            rollup: address(this),
            proposer: msg.sender,
            rootClaim: outputRoot,
            l2Block: l2Block,
            inboxCount: inboxCount,
            inboxAcc: inboxAcc,
            anchorRoot: start.root,
            anchorBlock: start.l2Block,
            createdAt: block.timestamp,
            clock: disputeWindow
        });
        game = CloneWithArgs.create(gameImplementation, abi.encode(args), id);
        gameOf[id] = game;
        isGame[game] = true;
        _games.push(game);
        emit Proposed(game, outputRoot, l2Block, msg.sender);
        IDisputeGame(game).initialize{value: msg.value}();
    }

    /// @inheritdoc IRollup
    /// @dev The anchor only moves forward. Reverts with OnlyGame.
    function gameResolved() external {
        if (!isGame[msg.sender]) revert OnlyGame(msg.sender);
        IDisputeGame game = IDisputeGame(msg.sender);
        uint256 l2Block = game.l2Block();
        if (game.status() != GameStatus.DefenderWins || l2Block <= anchor.l2Block) return;
        bytes32 root = game.rootClaim();
        anchor = Anchor(root, l2Block);
        emit AnchorMoved(msg.sender, root, l2Block);
    }

    /// @notice How many games there are.
    function gameCount() external view returns (uint256) {
        return _games.length;
    }

    /// @notice The game of index `index`, in the order of creation. Panics beyond the end.
    function gameAt(uint256 index) external view returns (address) {
        return _games[index];
    }

    /// @notice The identity of a claim: no two games are about the same.
    function claimId(
        bytes32 outputRoot,
        uint256 l2Block,
        uint256 inboxCount,
        bytes32 inboxAcc,
        bytes32 anchorRoot
    ) public pure returns (bytes32) {
        return keccak256(abi.encode(outputRoot, l2Block, inboxCount, inboxAcc, anchorRoot));
    }

    function _requireInbox(uint256 inboxCount, bytes32 inboxAcc) private view {
        bool exists = inboxCount != 0 && inboxCount <= inbox.count();
        bytes32 actual = exists ? inbox.acc(inboxCount - 1) : bytes32(0);
        if (!exists || actual != inboxAcc) revert InboxMoved(inboxCount, inboxAcc, actual);
    }
}
