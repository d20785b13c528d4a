"""What can be wrong with a folder of keys.

Invalid
├── InvalidKeyName   a name that can't be a file's
├── KeyExists        a key of that name is there already; nothing is overwritten
├── NoSuchKey        no key of that name or address
└── KeyFolderUnwritable
"""

from pathlib import Path

from state.errors import Invalid


class InvalidKeyName(Invalid):
    """A name that can't be a file's."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name!r:.80} is no name for a key: use letters, digits, '-', '_' and '.', beginning"
            " with a letter or digit, at most 64"
        )


class KeyExists(Invalid):
    """A key of that name is there already."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(
            f"there is a key called {name} in {folder}, and a key is never overwritten: choose"
            " another --name"
        )


class NoSuchKey(Invalid):
    """No key of that name or address."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(
            f"no key called {name:.80} in {folder}: `tallystick keys list` shows those that are"
            " there, --keys-dir names another folder"
        )


class KeyFolderUnwritable(Invalid):
    """The folder can't be made or written."""

    def __init__(self, folder: Path, reason: str | None) -> None:
        super().__init__(
            f"can't write keys to {folder}: {reason}; choose another folder with --keys-dir"
        )
