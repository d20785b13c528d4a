"""Private keys on disk: encrypted, in a folder of their own, never shown."""

from node.keystore.errors import InvalidKeyName, KeyExists, NoSuchKey
from node.keystore.folder import KeyFolder, StoredKey
from node.keystore.unlocked import UnlockedKey

__all__ = ["InvalidKeyName", "KeyExists", "KeyFolder", "NoSuchKey", "StoredKey", "UnlockedKey"]
