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
///         A claim that lost its game stays refused: the same root can't be proposed again over the same
///         inbox prefix and from the same anchor. A wrong one thus is fought once; over a longer prefix or
///         from another anchor it costs a new bond and loses again. A right one that lost because nobody
///         defended it isn't stuck either: anyone may append an item to the inbox, and propose the root
///         over the prefix with that.
contract Rollup is IRollup {
    /// @notice The ether sent isn't the bond. In wei.
    error WrongBond(uint256 sent, uint256 needed);

    /// @notice The block isn't after the anchor's.
    error BlockNotAfterAnchor(uint256 l2Block, uint256 anchorBlock);

    /// @notice The block is further from the anchor's than a game's trace reaches.
    error BlockTooFar(uint256 l2Block, uint256 limit);

    /// @notice The inbox has no such prefix: fewer items, or an L1 reorg changed them.
    error InboxMoved(uint256 inboxCount, bytes32 expected, bytes32 actual);

    /// @notice The same claim was made before.
    error AlreadyProposed(address game);

    /// @notice The caller is no game of this contract.
    error OnlyGame(address caller);

    /// @notice The bond is above what a claim can hold, in wei.
    error BondTooHigh(uint256 bond, uint256 limit);

    /// @notice A clock must be at most 2^32-1 seconds and at least twice its extension.
    error BadClock(uint256 clock, uint256 extension);

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

    /// @notice Most blocks from the anchor to a proposal: a game's trace has 2^46 steps, and a block takes
    ///         2^26 of them (docs/machine.md).
    uint256 public constant PROPOSAL_BLOCKS_MAX = 2 ** 20;

    /// @dev The deepest claim of a game stands for 2^15 times as much at the most, and a claim has 96 bits
    ///      for that.
    uint256 private constant BOND_MAX = type(uint80).max;

    /// @inheritdoc IRollup
    IInbox public immutable inbox;

    /// @notice What a proposal costs until it stands, in wei.
    uint256 public immutable bond;

    /// @notice How long a proposal may be objected to, and how long each side of a game has, in seconds.
    uint256 public immutable disputeWindow;

    /// @notice What a side of a game has left at the least for its next answer, in seconds.
    uint256 public immutable clockExtension;

    /// @notice How long after a game bonds are held back, in seconds.
    uint256 public immutable payoutDelay;

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
    /// @param clockExtension_     What a side has left at the least for its next answer, in seconds.
    /// @param payoutDelay_        How long after a game bonds are held back, in seconds.
    /// @param gameImplementation_ A deployed DisputeGame.
    constructor(
        IInbox inbox_,
        bytes32 genesisOutputRoot_,
        uint256 bond_,
        uint256 disputeWindow_,
        uint256 clockExtension_,
        uint256 payoutDelay_,
        address gameImplementation_
    ) {
        if (bond_ > BOND_MAX) revert BondTooHigh(bond_, BOND_MAX);
        if (disputeWindow_ > type(uint32).max || clockExtension_ > disputeWindow_ / 2) {
            revert BadClock(disputeWindow_, clockExtension_);
        }
        inbox = inbox_;
        bond = bond_;
        disputeWindow = disputeWindow_;
        clockExtension = clockExtension_;
        payoutDelay = payoutDelay_;
        gameImplementation = gameImplementation_;
        anchor = Anchor(genesisOutputRoot_, 0);
    }

    /// @notice Claims that the chain's output root after `l2Block` is `outputRoot`, derived from the
    ///         first `inboxCount` items of the inbox. Costs exactly `bond` wei, which the proposer gets
    ///         back from the game when the claim has stood.
    /// @dev    Reverts with WrongBond, BlockNotAfterAnchor, BlockTooFar, InboxMoved or AlreadyProposed.
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
        _requireInReach(l2Block, start.l2Block);
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
            clock: disputeWindow,
            clockExtension: clockExtension,
            payoutDelay: payoutDelay,
            bond: msg.value
        });
        game = CloneWithArgs.create(gameImplementation, abi.encode(args), id);
        gameOf[id] = game;
        isGame[game] = true;
        _games.push(game);
        emit Proposed(game, outputRoot, l2Block, msg.sender);
        IDisputeGame(game).initialize{value: msg.value}();
    }

    /// @inheritdoc IRollup
    /// @dev The anchor only moves forward, and only to what stood: a root that lost moves nothing. Reverts
    ///      with OnlyGame.
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

    function _requireInReach(uint256 l2Block, uint256 anchorBlock) private pure {
        if (l2Block <= anchorBlock) revert BlockNotAfterAnchor(l2Block, anchorBlock);
        uint256 limit = anchorBlock + PROPOSAL_BLOCKS_MAX;
        if (l2Block > limit) revert BlockTooFar(l2Block, limit);
    }

    function _requireInbox(uint256 inboxCount, bytes32 inboxAcc) private view {
        bool exists = inboxCount != 0 && inboxCount <= inbox.count();
        bytes32 actual = exists ? inbox.acc(inboxCount - 1) : bytes32(0);
        if (!exists || actual != inboxAcc) revert InboxMoved(inboxCount, inboxAcc, actual);
    }
}
