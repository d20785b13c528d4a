// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title  Proofs of inclusion in a secure hexary trie
/// @notice Yellow Paper, appendices B to D, for tries whose keys are 32-byte hashes: an Ethereum state
///         trie or storage trie. Strict: a proof verifies only with the nodes on the path, each whole,
///         canonical and nothing after it. In such a trie no key is a prefix of another, so a branch
///         never holds a value, and one that does is refused.
library MerkleTrie {
    /// @notice The proof doesn't show that the trie holds the key.
    error InvalidProof();

    /// @dev Where a walk stands: nodes of the proof consumed, nibbles of the key consumed.
    struct Walk {
        uint256 node;
        uint256 nibble;
    }

    uint256 private constant KEY_NIBBLES = 64;

    /// @notice The RLP-decoded content of the leaf of `key` in the trie of `root`: for a storage trie,
    ///         the value itself in RLP. Reverts with InvalidProof.
    /// @param  root  Root hash of the trie.
    /// @param  key   Hashed key, as it stands in the trie.
    /// @param  proof The nodes from root to leaf, in RLP; one that is embedded in its parent (below 32
    ///               bytes) is not listed, as in eth_getProof (EIP-1186).
    function get(bytes32 root, bytes32 key, bytes[] calldata proof)
        internal
        pure
        returns (bytes calldata value)
    {
        value = msg.data[:0];
        Walk memory walk;
        bytes calldata node = _open(root, proof, walk, true);
        bool mustBranch;
        while (true) {
            (uint256 count, uint256 cursor) = _openNode(node);
            if (count == 17) {
                mustBranch = false;
                node = _descend(_branchChild(node, cursor, key, walk), proof, walk);
                continue;
            }
            (bytes calldata path, bytes calldata rest) = _takeItem(node[cursor:]);
            (bytes calldata child, bytes calldata nothing) = _takeItem(rest);
            if (nothing.length != 0 || mustBranch) revert InvalidProof();
            if (_followPath(_string(path), key, walk)) {
                if (walk.nibble != KEY_NIBBLES || walk.node != proof.length) revert InvalidProof();
                return _string(child);
            }
            node = _descend(child, proof, walk);
            mustBranch = true;
        }
    }

    /*//////////////////////////////////////////////////////////////////////////
                                        NODES
    //////////////////////////////////////////////////////////////////////////*/

    /// @dev The next node of the proof, which must have this hash. Only a root may be shorter than 32
    ///      bytes: elsewhere such a node is embedded.
    function _open(bytes32 hash, bytes[] calldata proof, Walk memory walk, bool isRoot)
        private
        pure
        returns (bytes calldata node)
    {
        if (walk.node >= proof.length) revert InvalidProof();
        node = proof[walk.node++];
        if (keccak256(node) != hash || (!isRoot && node.length < 32)) revert InvalidProof();
    }

    /// @dev Checks that `node` is one canonical list that fills it; returns how many items it has and
    ///      where the first starts.
    function _openNode(bytes calldata node) private pure returns (uint256 count, uint256 start) {
        uint256 length;
        bool isList;
        (isList, start, length) = _header(node);
        if (!isList || start + length != node.length) revert InvalidProof();
        bytes calldata rest = node[start:];
        while (rest.length != 0) {
            (, rest) = _takeItem(rest);
            ++count;
        }
        if (count != 2 && count != 17) revert InvalidProof();
    }

    /// @dev The child of a branch that the key's next nibble selects.
    function _branchChild(bytes calldata node, uint256 start, bytes32 key, Walk memory walk)
        private
        pure
        returns (bytes calldata child)
    {
        if (walk.nibble >= KEY_NIBBLES) revert InvalidProof();
        uint256 wanted = _nibble(key, walk.nibble++);
        bytes calldata rest = node[start:];
        child = rest[:0];
        for (uint256 i; i < 16; ++i) {
            bytes calldata item;
            (item, rest) = _takeItem(rest);
            if (i == wanted) child = item;
        }
        if (rest.length != 1 || rest[0] != 0x80) revert InvalidProof();
    }

    /// @dev The node that a reference stands for: itself when embedded, else the proof's next.
    function _descend(bytes calldata item, bytes[] calldata proof, Walk memory walk)
        private
        pure
        returns (bytes calldata)
    {
        if (item.length != 0 && uint8(item[0]) >= 0xc0) {
            if (item.length >= 32) revert InvalidProof();
            return item;
        }
        bytes calldata hash = _string(item);
        if (hash.length != 32) revert InvalidProof();
        return _open(bytes32(hash), proof, walk, false);
    }

    /// @dev Checks a hex-prefixed path against the key and moves past it; returns whether it ends in a
    ///      leaf.
    function _followPath(bytes calldata path, bytes32 key, Walk memory walk)
        private
        pure
        returns (bool isLeaf)
    {
        if (path.length == 0) revert InvalidProof();
        uint256 flag = uint8(path[0]) >> 4;
        if (flag > 3) revert InvalidProof();
        isLeaf = flag >= 2;
        bool isOdd = flag & 1 == 1;
        if (!isOdd && uint8(path[0]) & 0x0f != 0) revert InvalidProof();
        uint256 first = isOdd ? 1 : 2;
        uint256 length = path.length * 2 - first;
        if (walk.nibble + length > KEY_NIBBLES || (!isLeaf && length == 0)) revert InvalidProof();
        for (uint256 i; i < length; ++i) {
            uint256 position = first + i;
            uint256 pair = uint8(path[position / 2]);
            uint256 nibble = position % 2 == 0 ? pair >> 4 : pair & 0x0f;
            if (nibble != _nibble(key, walk.nibble + i)) revert InvalidProof();
        }
        walk.nibble += length;
    }

    function _nibble(bytes32 key, uint256 index) private pure returns (uint256) {
        return (uint256(key) >> (252 - 4 * index)) & 0x0f;
    }

    /*//////////////////////////////////////////////////////////////////////////
                                         RLP
    //////////////////////////////////////////////////////////////////////////*/

    /// @dev Splits `input` into its first item, header included, and what follows.
    function _takeItem(bytes calldata input)
        private
        pure
        returns (bytes calldata item, bytes calldata rest)
    {
        (, uint256 start, uint256 length) = _header(input);
        return (input[:start + length], input[start + length:]);
    }

    /// @dev The payload of an item that is a string and nothing more.
    function _string(bytes calldata item) private pure returns (bytes calldata) {
        (bool isList, uint256 start, uint256 length) = _header(item);
        if (isList || start + length != item.length) revert InvalidProof();
        return item[start:];
    }

    /// @dev Reads the canonical header of the item that `input` starts with, and checks that the item
    ///      is there whole. A node is below 64 KB, so lengths of more than two bytes are refused.
    function _header(bytes calldata input)
        private
        pure
        returns (bool isList, uint256 start, uint256 length)
    {
        if (input.length == 0) revert InvalidProof();
        uint256 prefix = uint8(input[0]);
        if (prefix < 0x80) return (false, 0, 1);
        isList = prefix >= 0xc0;
        uint256 short = prefix - (isList ? 0xc0 : 0x80);
        if (short <= 55) {
            (start, length) = (1, short);
        } else {
            uint256 size = short - 55;
            if (size > 2 || input.length < 1 + size || input[1] == 0) revert InvalidProof();
            start = 1 + size;
            for (uint256 i = 1; i <= size; ++i) {
                length = (length << 8) | uint8(input[i]);
            }
            if (length <= 55) revert InvalidProof();
        }
        if (input.length < start + length) revert InvalidProof();
        if (!isList && length == 1 && uint8(input[1]) < 0x80) revert InvalidProof();
    }
}
