"""The stream of a witness, as L1 reads it: words and blobs, strictly in order, and nothing else."""

from collections.abc import Iterable

from execution.machine.words import Word, encode_word

BLOB_LENGTH_BYTES = 4


class WitnessWriter:
    """Collects what one step reads. The twin of the contracts' `Witness` library."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def word(self, value: Word) -> None:
        """One word."""
        self._parts.append(encode_word(value))

    def words(self, values: Iterable[Word]) -> None:
        """Words, one after the other."""
        self._parts.extend(encode_word(value) for value in values)

    def raw(self, data: bytes) -> None:
        """Bytes whose number the step knows."""
        self._parts.append(data)

    def blob(self, data: bytes) -> None:
        """Four bytes of length, and the bytes."""
        self._parts.append(len(data).to_bytes(BLOB_LENGTH_BYTES, "big") + data)

    def getvalue(self) -> bytes:
        """The witness so far."""
        return b"".join(self._parts)
