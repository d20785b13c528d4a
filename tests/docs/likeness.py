"""Whether a command's output is what its page shows, numbers and hashes aside."""

import re
from collections.abc import Iterable, Sequence

_HEX = r"0x[0-9a-fA-F]{4,}"
_NUMBER = r"[-+]?\d[\d,]*(?:\.\d+)?"
_TOKEN = re.compile(rf"(?P<hex>{_HEX})|(?P<number>{_NUMBER})|(?P<any>…)|(?P<space>\s+)")
_LINES: set[str] = {"...", "…"}


def pattern_of(shown: str) -> re.Pattern[str]:
    """What a shown line stands for: any numbers, any hashes (each a group), any blanks."""
    parts: list[str] = []
    position = 0
    for token in _TOKEN.finditer(shown.strip()):
        parts.append(re.escape(shown.strip()[position : token.start()]))
        parts.append(_stands_for(token))
        position = token.end()
    parts.append(re.escape(shown.strip()[position:]))
    return re.compile("".join(parts))


def _stands_for(token: re.Match[str]) -> str:
    if token["hex"]:
        return "(0x[0-9a-fA-F]+)"
    if token["number"]:
        return _NUMBER
    return ".*" if token["any"] else r"\s+"


def missing_line(shown: Sequence[str], printed: Iterable[str]) -> str | None:
    """The first shown line that is not in the output, after those before it; None if all are."""
    rest = iter(printed)
    for line in shown:
        if not line.strip() or line.strip() in _LINES:
            continue
        pattern = pattern_of(line)
        if not any(pattern.fullmatch(one.strip()) for one in rest):
            return line
    return None


def hashes_seen(shown: Sequence[str], printed: Sequence[str]) -> dict[str, str]:
    """For each hash on the page what was printed in its place: later commands may name it."""
    found: dict[str, str] = {}
    rest = iter(printed)
    for line in shown:
        names = re.findall(_HEX, line)
        if not names:
            continue
        pattern = pattern_of(line)
        for one in rest:
            if match := pattern.fullmatch(one.strip()):
                found |= dict(zip(names, match.groups()))
                break
    return found
