"""Pages of the documentation as terminal sessions: what is typed, and what is shown for it.

A block of a page is a session when its language is `console`. A line that starts with `$ ` is typed
(a backslash at its end goes on to the next line), the lines after it are what is seen. In what is
seen, numbers and hashes stand for any, `…` stands for anything, and a line of only `...` for any
lines. A comment before the block says what a reader knows from the text around it:

- `<!-- until: TEXT -->`: the first command runs on, in a terminal of its own, ready when TEXT came;
- `<!-- stop: N -->`: before the first command, Ctrl-C ends what runs on in the Nth such terminal;
- `<!-- exit: N -->`: the last command ends with that code;
- `<!-- value: 12 = REGEX -->`: what the group finds in the output is typed for 12 from there on.

`<!-- file: NAME -->` before a block of any language: the reader saves it under that name.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

DOCS: Final = Path(__file__).parents[2] / "docs"
PROGRAMS: Final = re.compile(r"\s*(\$ |tallystick |cast |curl |\./scripts/|\.venv/)")
"""How a line begins that a reader would type."""

_BLOCK = re.compile(
    r"^(?P<notes>(?:<!--[^\n]*-->\n)*)```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S
)
_NOTE = re.compile(r"<!-- (until|stop|exit|value|file): (.*?) -->")
_VALUE = re.compile(r"(\S+) = (.*)")


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a page."""

    line: int
    text: str
    shown: tuple[str, ...] = ()
    until: str | None = None
    """It is left running once this has been printed."""
    exit_code: int = 0
    values: tuple[tuple[str, str], ...] = ()
    """Words of the page and the patterns that find in the output what they stand for."""
    stops: int | None = None
    """Before it, what runs on in this one of the other terminals is stopped; the first is 1."""
    file: str | None = None
    """The text is no command, but what is saved under this name."""


@dataclass(slots=True)
class _Draft:
    line: int
    text: str
    shown: list[str] = field(default_factory=list)


def commands_of(page: str) -> list[Command]:
    """Every command of a page, in order."""
    found: list[Command] = []
    for block in _BLOCK.finditer(page):
        first_line = page.count("\n", 0, block.start("text")) + 1
        notes = _NOTE.findall(block["notes"])
        if block["language"] == "console":
            found += _session(block["text"], first_line, notes)
        elif saved := dict(notes).get("file"):
            found.append(Command(first_line, block["text"], file=saved))
    return found


def commands_elsewhere(page: str) -> list[str]:
    """Lines that a reader would type and that no test would: in blocks of another language."""
    return [
        line
        for block in _BLOCK.finditer(page)
        if block["language"] != "console"
        for line in block["text"].splitlines()
        if PROGRAMS.match(line)
    ]


def _session(text: str, first_line: int, notes: list[tuple[str, str]]) -> list[Command]:
    drafts: list[_Draft] = []
    goes_on = False
    for offset, line in enumerate(text.splitlines()):
        if goes_on:
            drafts[-1].text += "\n" + line
        elif line.startswith("$ "):
            drafts.append(_Draft(first_line + offset, line[2:]))
        else:
            drafts[-1].shown.append(line)
        goes_on = line.endswith("\\") and (goes_on or line.startswith("$ "))
    said = dict(notes)
    values = tuple(
        (match[1], match[2])
        for name, note in notes
        if name == "value"
        for match in [_VALUE.match(note)]
        if match
    )
    last = len(drafts) - 1
    return [
        Command(
            draft.line,
            draft.text,
            tuple(draft.shown),
            said.get("until") if index == 0 else None,
            int(said.get("exit", 0)) if index == last else 0,
            values if index == last else (),
            int(said["stop"]) if index == 0 and "stop" in said else None,
        )
        for index, draft in enumerate(drafts)
    ]
