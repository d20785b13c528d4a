// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {GameArgs, GameStatus, IDisputeGame} from "./interfaces/IDisputeGame.sol";
import {IOneStepProver, StepContext} from "./interfaces/IOneStepProver.sol";
import {IRollup} from "./interfaces/IRollup.sol";
import {Clock} from "./libraries/Clock.sol";
import {CloneWithArgs} from "./libraries/CloneWithArgs.sol";
import {MachineHash} from "./libraries/MachineHash.sol";
import {Position, PositionMath} from "./libraries/Position.sol";

/// @title  DisputeGame
/// @notice The game about one proposed output root; created by the Rollup as a proxy whose code carries
///         GameArgs. Anyone plays, nobody administers it.
///
///         The tree is over the states of the machine from the anchor on. A claim at a position says
///         what the state is after the last step below it. Whoever disagrees attacks: says what the state
///         in the middle is. Whoever agrees with a claim but not with the one to its right defends it: the
///         middle of what is to its right. After `maxDepth` answers two states remain that are one step
///         apart, and the prover says whether the one follows from the other.
///
///         A claim is countered when an answer to it isn't, or when a step shows it wrong. The root claim
///         stands if it isn't countered. Bonds: a claim that isn't countered gets its own bond back. The
///         bond of one that is goes to whoever stepped on it, or else to whoever made the leftmost of the
///         uncountered answers, the first one made where several are at the same place. (Leftmost,
///         because an answer too far to the right can't always be refuted, one too far to the left can.)
///         So each bond goes to one account, and nothing of it stays here.
///
///         After the fault dispute game of the OP Stack specification, without its second tree: states
///         between blocks are states of the machine too.
contract DisputeGame is IDisputeGame {
    /// @notice A claim in the tree.
    /// @param  parentIndex The claim that it answers; 2^32-1 for the root claim.
    /// @param  counteredBy Who refuted it; zero while nobody did. Set by a step, or by the resolution.
    /// @param  resolved    Whether its bond is distributed.
    /// @param  claimant    Who made it.
    /// @param  bond        What it stands for, in wei.
    /// @param  claim       Hash of the machine's state.
    /// @param  position    Where in the tree.
    /// @param  clockUsed   Seconds that the claimant's side had used up when it was made.
    /// @param  madeAt      When the claim was made, in seconds.
    struct Claim {
        uint32 parentIndex;
        address counteredBy;
        bool resolved;
        address claimant;
        uint96 bond;
        bytes32 claim;
        Position position;
        uint64 clockUsed;
        uint64 madeAt;
    }

    /// @dev   How far the resolution of a claim has come.
    /// @param seen     Answers looked at.
    /// @param leftmost The leftmost uncountered one among them; 0 for none, as no answer has index 0.
    struct Progress {
        uint32 seen;
        uint32 leftmost;
    }

    /// @notice Only the Rollup that created the game.
    error OnlyRollup(address caller);

    /// @notice The game is set up.
    error AlreadyInitialized();

    /// @notice The tree must have between 1 and `limit` levels below its root.
    error BadDepth(uint256 depth, uint256 limit);

    /// @notice The game is resolved.
    error AlreadyResolved();

    /// @notice The claim isn't what the caller answers: an L1 reorg changed the game.
    error ParentMoved(bytes32 expected, bytes32 actual);

    /// @notice Nothing is to the right of the root claim's state.
    error RootNotDefendable();

    /// @notice Below the leaves are no claims: step.
    error TooDeep(uint256 depth, uint256 maxDepth);

    /// @notice Steps are for claims at the leaves.
    error NotALeaf(uint256 depth, uint256 maxDepth);

    /// @notice The ether sent isn't the bond. In wei.
    error WrongBond(uint256 sent, uint256 needed);

    /// @notice The time to answer was over at `expiredAt` (seconds).
    error ClockSpent(uint256 expiredAt);

    /// @notice The same answer was given before.
    error AlreadyClaimed(bytes32 claim, Position position, uint256 parentIndex);

    /// @notice Somebody has stepped on this claim before.
    error AlreadyCountered(uint256 claimIndex, address by);

    /// @notice The step doesn't refute the claim.
    error ClaimStands(uint256 claimIndex);

    /// @notice The claim may be answered until `resolvableAt` (seconds).
    error ClockRunning(uint256 resolvableAt);

    /// @notice The claim's bond is distributed.
    error ClaimAlreadyResolved(uint256 claimIndex);

    /// @notice The answer has to be resolved before the claim.
    error AnswerUnresolved(uint256 claimIndex, uint256 answerIndex);

    /// @notice Nothing is owed to this account.
    error NoCredit(address recipient);

    /// @notice Bonds are held back while the game is played.
    error GameInProgress();

    /// @notice Bonds are held back until `payableAt` (seconds).
    error PayoutHeldBack(uint256 payableAt);

    /// @notice The account doesn't take the ether.
    error PayoutFailed(address recipient);

    /// @notice A claim was made; the root claim has parent 2^32-1.
    event ClaimMade(
        uint256 indexed index, uint256 parentIndex, bytes32 claim, address indexed claimant
    );

    /// @notice A step refuted a claim.
    event Stepped(uint256 indexed claimIndex, address indexed by);

    /// @notice A claim was resolved; its bond (wei) is credited to `recipient`.
    event ClaimResolved(uint256 indexed claimIndex, address indexed recipient, uint256 bond);

    /// @notice The game ended.
    event Resolved(GameStatus indexed status);

    /// @notice A credit was paid, in wei.
    event CreditClaimed(address indexed recipient, uint256 amount);

    uint32 private constant NO_PARENT = type(uint32).max;

    /// @dev Positions have 128 bits, the one to the right of the last leaf included.
    uint256 private constant DEPTH_LIMIT = 126;

    /// @dev Levels after which the bond doubles.
    uint256 private constant BOND_DOUBLING_LEVELS = 8;

    /// @notice Levels of the tree below its root: the trace has 2^maxDepth steps.
    uint256 public immutable maxDepth;

    /// @notice Who checks single steps.
    IOneStepProver public immutable prover;

    /// @inheritdoc IDisputeGame
    GameStatus public status;

    uint64 private _resolvedAt;

    /// @notice The claims of the game, the root claim first.
    Claim[] public claims;

    /// @notice What accounts may take out with claimCredit, in wei.
    mapping(address account => uint256 amount) public credit;

    mapping(uint256 claimIndex => uint32[] answers) private _answers;

    mapping(uint256 claimIndex => Progress) private _progress;

    mapping(bytes32 id => bool) private _isClaimed;

    /// @param maxDepth_ Levels of the tree below its root; 46 for the trace of docs/machine.md.
    /// @param prover_   Who checks single steps.
    constructor(uint256 maxDepth_, IOneStepProver prover_) {
        if (maxDepth_ == 0 || maxDepth_ > DEPTH_LIMIT) revert BadDepth(maxDepth_, DEPTH_LIMIT);
        maxDepth = maxDepth_;
        prover = prover_;
    }

    /*//////////////////////////////////////////////////////////////////////////
                                       PLAYING
    //////////////////////////////////////////////////////////////////////////*/

    /// @inheritdoc IDisputeGame
    /// @dev Reverts with OnlyRollup or AlreadyInitialized.
    function initialize() external payable {
        GameArgs memory game = args();
        if (msg.sender != game.rollup) revert OnlyRollup(msg.sender);
        if (claims.length != 0) revert AlreadyInitialized();
        bytes32 claim = MachineHash.ofBoundary(game.rootClaim);
        _add(NO_PARENT, claim, PositionMath.ROOT, 0, game.proposer);
    }

    /// @notice Answers a claim with another one. Costs exactly bondAt(depth of the new claim) wei.
    /// @dev    Reverts with AlreadyResolved, ParentMoved, RootNotDefendable, TooDeep, WrongBond, ClockSpent
    ///         or AlreadyClaimed; panics if there is no such claim.
    /// @param  parentIndex    Which claim.
    /// @param  expectedParent What it claims, so that the answer reverts where an L1 reorg has put another
    ///                        claim in its place.
    /// @param  claim          Hash of the machine's state at the new position.
    /// @param  isAttack       Attack, or defend.
    /// @return index          The new claim's.
    function move(uint256 parentIndex, bytes32 expectedParent, bytes32 claim, bool isAttack)
        external
        payable
        returns (uint256 index)
    {
        _requireInProgress();
        Claim memory parent = claims[parentIndex];
        if (parent.claim != expectedParent) revert ParentMoved(expectedParent, parent.claim);
        if (parentIndex == 0 && !isAttack) revert RootNotDefendable();
        Position position = isAttack ? parent.position.attack() : parent.position.defend();
        uint256 depth = position.depth();
        if (depth > maxDepth) revert TooDeep(depth, maxDepth);

        GameArgs memory game = args();
        uint256 bond = _bondAt(game, depth);
        if (msg.value != bond) revert WrongBond(msg.value, bond);
        uint256 remaining = _requireTime(parent, game);
        _requireNew(claim, position, parentIndex);

        uint256 extension = Clock.extensionAt(depth, maxDepth, game.clockExtension);
        uint256 used = Clock.usedAfterMove(remaining, game.clock, extension);
        // Each claim takes 100,000 gas and more: 2^32 of them don't fit the life of L1.
        return _add(uint32(parentIndex), claim, position, used, msg.sender);
    }

    /// @notice Refutes a claim at a leaf by one step of the machine: attacking, the step that leads to the
    ///         claimed state; defending, the step from there to the next. Costs no bond; wins the claim's.
    ///         No clock counts, only that the claim isn't resolved: what is refuted is wrong, however late.
    /// @dev    The other end of the step is what a claim further up says. Where the claim about its result
    ///         is of the side that is stepped on, the step must have another result; where it is of the
    ///         stepper's side, just this one. Reverts with AlreadyResolved, NotALeaf, AlreadyCountered,
    ///         ClaimAlreadyResolved, ClaimStands, or as the prover does on a bad witness.
    /// @param  claimIndex Which claim.
    /// @param  isAttack   Whether the step leads to the claimed state or starts from it.
    /// @param  witness    What the step reads (IOneStepProver).
    function step(uint256 claimIndex, bool isAttack, bytes calldata witness) external {
        _requireInProgress();
        Claim memory leaf = claims[claimIndex];
        uint256 depth = leaf.position.depth();
        if (depth != maxDepth) revert NotALeaf(depth, maxDepth);
        if (leaf.counteredBy != address(0)) revert AlreadyCountered(claimIndex, leaf.counteredBy);
        if (leaf.resolved) revert ClaimAlreadyResolved(claimIndex);
        if (!_isRefuted(leaf, args(), isAttack, witness)) revert ClaimStands(claimIndex);
        claims[claimIndex].counteredBy = msg.sender;
        emit Stepped(claimIndex, msg.sender);
    }

    /*//////////////////////////////////////////////////////////////////////////
                                        ENDING
    //////////////////////////////////////////////////////////////////////////*/

    /// @notice Decides about one claim whose time to answer is over, from the answers to it, which must be
    ///         decided; credits its bond. Anyone may. A claim with many answers takes several calls.
    /// @dev    Once the time is over no answer can come, and a resolved answer stays as it is: what was
    ///         looked at needs no second look. Reverts with
    ///         AlreadyResolved, ClaimAlreadyResolved, ClockRunning or AnswerUnresolved; panics if there is
    ///         no such claim.
    /// @param  claimIndex Which claim.
    /// @param  answersMax How many answers to look at in this call at the most; 0 for all.
    function resolveClaim(uint256 claimIndex, uint256 answersMax) external {
        _requireInProgress();
        _resolveClaim(claimIndex, answersMax);
    }

    /// @notice Ends the game once the root claim is decided, and tells the Rollup. Decides the root claim
    ///         itself where that wasn't done: one call is enough where nobody objected. Anyone may.
    /// @dev    Reverts with AlreadyResolved, ClockRunning or AnswerUnresolved.
    function resolve() external returns (GameStatus) {
        _requireInProgress();
        if (!claims[0].resolved) _resolveClaim(0, 0);
        bool stands = claims[0].counteredBy == address(0);
        status = stands ? GameStatus.DefenderWins : GameStatus.ChallengerWins;
        _resolvedAt = uint64(block.timestamp);
        emit Resolved(status);
        IRollup(args().rollup).gameResolved();
        return status;
    }

    /// @notice Pays `recipient` what the game owes it, `payoutDelay` seconds after the end. Anyone may
    ///         call; pulled, so that an account that refuses its money holds up nobody else. Held back, so
    ///         that the same ether can't pay for one lie after the other.
    /// @dev    Reverts with NoCredit, GameInProgress, PayoutHeldBack or PayoutFailed.
    function claimCredit(address recipient) external {
        uint256 amount = credit[recipient];
        if (amount == 0) revert NoCredit(recipient);
        if (status == GameStatus.InProgress) revert GameInProgress();
        if (block.timestamp < payableAt()) revert PayoutHeldBack(payableAt());
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

    /// @notice What a claim at `depth` stands for, in wei. Doubles every eight levels: the nearer to a
    ///         single step, the more an answer costs (the states within a block are made for the game
    ///         alone, and a leaf is answered by a transaction with up to 96 KB of witness), so the more
    ///         must be at stake for those who want it to be given for nothing.
    function bondAt(uint256 depth) external view returns (uint256) {
        return _bondAt(args(), depth);
    }

    /// @notice How many claims there are.
    function claimCount() external view returns (uint256) {
        return claims.length;
    }

    /// @notice At most `count` claims from index `first` on, in one call.
    function claimsFrom(uint256 first, uint256 count) external view returns (Claim[] memory page) {
        uint256 rest = first < claims.length ? claims.length - first : 0;
        page = new Claim[](count < rest ? count : rest);
        for (uint256 i = 0; i < page.length; ++i) {
            page[i] = claims[first + i];
        }
    }

    /// @notice The answers to a claim, in the order in which they were made.
    function answersTo(uint256 claimIndex) external view returns (uint32[] memory) {
        return _answers[claimIndex];
    }

    /// @notice When a claim's time to answer is over and it may be resolved, in seconds. Panics if there is
    ///         no such claim.
    function expiryOf(uint256 claimIndex) external view returns (uint256) {
        return _expiryOf(claims[claimIndex], args());
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

    /// @notice When the game may be resolved if nobody objects, in seconds.
    function resolvableAt() external view returns (uint256) {
        GameArgs memory game = args();
        return game.createdAt + game.clock;
    }

    /// @notice From when on claimCredit pays, in seconds; 0 while the game is in progress.
    function payableAt() public view returns (uint256) {
        return _resolvedAt == 0 ? 0 : _resolvedAt + args().payoutDelay;
    }

    /// @notice Who made the root claim.
    function proposer() external view returns (address) {
        return args().proposer;
    }

    /*//////////////////////////////////////////////////////////////////////////
                                  INSIDE OF PLAYING
    //////////////////////////////////////////////////////////////////////////*/

    function _add(
        uint32 parentIndex,
        bytes32 claim,
        Position position,
        uint256 clockUsed,
        address claimant
    ) private returns (uint256 index) {
        index = claims.length;
        claims.push(
            Claim({
                parentIndex: parentIndex,
                counteredBy: address(0),
                resolved: false,
                claimant: claimant,
                // The Rollup's constructor holds that the deepest bond fits, and the clock.
                bond: uint96(msg.value),
                claim: claim,
                position: position,
                clockUsed: uint64(clockUsed),
                madeAt: uint64(block.timestamp)
            })
        );
        if (parentIndex != NO_PARENT) _answers[parentIndex].push(uint32(index));
        emit ClaimMade(index, parentIndex, claim, claimant);
    }

    function _requireNew(bytes32 claim, Position position, uint256 parentIndex) private {
        bytes32 id = keccak256(abi.encode(claim, position, parentIndex));
        if (_isClaimed[id]) revert AlreadyClaimed(claim, position, parentIndex);
        _isClaimed[id] = true;
    }

    /// @dev Seconds left to answer the claim with another one, at least one.
    function _requireTime(Claim memory claim, GameArgs memory game) private view returns (uint256) {
        uint256 expiry = _expiryOf(claim, game);
        if (block.timestamp >= expiry) revert ClockSpent(expiry);
        return expiry - block.timestamp;
    }

    function _requireInProgress() private view {
        if (status != GameStatus.InProgress) revert AlreadyResolved();
    }

    function _expiryOf(Claim memory claim, GameArgs memory game) private view returns (uint256) {
        bool isRoot = claim.parentIndex == NO_PARENT;
        uint256 usedBefore = isRoot ? 0 : claims[claim.parentIndex].clockUsed;
        return Clock.expiry(claim.madeAt, usedBefore, game.clock);
    }

    function _bondAt(GameArgs memory game, uint256 depth) private pure returns (uint256) {
        return game.bond << (depth / BOND_DOUBLING_LEVELS);
    }

    /// @dev A claim and those an even number of levels above it are of one side.
    function _isRefuted(
        Claim memory leaf,
        GameArgs memory game,
        bool isAttack,
        bytes calldata witness
    ) private view returns (bool) {
        uint256 index = leaf.position.traceIndex(maxDepth);
        StepContext memory context = StepContext({
            traceIndex: isAttack ? index : index + 1,
            l2Block: game.l2Block,
            inboxCount: game.inboxCount,
            inbox: IRollup(game.rollup).inbox()
        });
        Claim memory post = isAttack ? leaf : _claimAbout(leaf.position.right(), leaf);
        bytes32 preState = isAttack ? _stateBefore(leaf, game, index) : leaf.claim;
        bool holds = prover.step(preState, context, witness) == post.claim;
        bool isSameSide = (maxDepth - post.position.depth()) % 2 == 0;
        return holds != isSameSide;
    }

    /// @dev The state from which the step of trace index `index` starts, as claimed above the leaf.
    function _stateBefore(Claim memory leaf, GameArgs memory game, uint256 index)
        private
        view
        returns (bytes32)
    {
        if (index == 0) return MachineHash.ofBoundary(game.anchorRoot);
        return _claimAbout(leaf.position.left(), leaf).claim;
    }

    /// @dev The claim above `leaf` about the state at its left or right neighbour. There is one: a move to
    ///      the left passes the claim that bounds it on the right, a move to the right the one on its
    ///      left, and the root bounds all. The first state is the anchor's, and is nobody's claim.
    function _claimAbout(Position position, Claim memory leaf)
        private
        view
        returns (Claim memory claim)
    {
        Position wanted = position.highest();
        claim = claims[leaf.parentIndex];
        while (!claim.position.isSame(wanted)) {
            claim = claims[claim.parentIndex];
        }
    }

    /*//////////////////////////////////////////////////////////////////////////
                                   INSIDE OF ENDING
    //////////////////////////////////////////////////////////////////////////*/

    function _resolveClaim(uint256 claimIndex, uint256 answersMax) private {
        Claim memory claim = claims[claimIndex];
        if (claim.resolved) revert ClaimAlreadyResolved(claimIndex);
        uint256 expiry = _expiryOf(claim, args());
        if (block.timestamp < expiry) revert ClockRunning(expiry);
        (bool isDone, uint256 leftmost) = _seeAnswers(claimIndex, answersMax);
        if (!isDone) return;

        // A step is the only counter of a leaf, which has no answers.
        address winner = leftmost == 0 ? claim.counteredBy : claims[leftmost].claimant;
        address recipient = winner == address(0) ? claim.claimant : winner;
        claims[claimIndex].resolved = true;
        claims[claimIndex].counteredBy = winner;
        credit[recipient] += claim.bond;
        emit ClaimResolved(claimIndex, recipient, claim.bond);
    }

    /// @dev Looks at further answers; tells whether those were the last, and the leftmost uncountered one.
    function _seeAnswers(uint256 claimIndex, uint256 answersMax) private returns (bool, uint256) {
        uint32[] storage answers = _answers[claimIndex];
        Progress memory progress = _progress[claimIndex];
        uint256 rest = answers.length - progress.seen;
        if (answersMax != 0 && answersMax < rest) rest = answersMax;
        for (; rest != 0; --rest) {
            uint32 index = answers[progress.seen++];
            Claim storage answer = claims[index];
            if (!answer.resolved) revert AnswerUnresolved(claimIndex, index);
            if (answer.counteredBy == address(0) && _isLeftOf(answer, progress.leftmost)) {
                progress.leftmost = index;
            }
        }
        _progress[claimIndex] = progress;
        return (progress.seen == answers.length, progress.leftmost);
    }

    function _isLeftOf(Claim storage answer, uint256 leftmost) private view returns (bool) {
        return leftmost == 0 || answer.position.isLeftOf(claims[leftmost].position);
    }
}
