"""The grammar of the pages, and what stands for what."""

from tests.docs.likeness import hashes_seen, missing_line
from tests.docs.pages import Command, commands_elsewhere, commands_of

PAGE = """\
Some words.

<!-- until: ready -->
```console
$ tallystick devnet
The devnet is ready.
```

<!-- value: 7 = account (\\d+) -->
<!-- exit: 1 -->
```console
$ export A=1
$ tallystick send \\
    --value 1
sent 0xabcdef12
account 7
```

```
$ cast nothing
```
"""


def test_page_read_has_its_commands_with_what_is_shown() -> None:
    assert commands_of(PAGE) == [
        Command(5, "tallystick devnet", ("The devnet is ready.",), until="ready"),
        Command(12, "export A=1"),
        Command(
            13,
            "tallystick send \\\n    --value 1",
            ("sent 0xabcdef12", "account 7"),
            exit_code=1,
            values=(("7", r"account (\d+)"),),
        ),
    ]


def test_block_with_a_name_is_saved_as_a_file() -> None:
    page = '<!-- file: node.toml -->\n```toml\nrole = "replica"\n```\n'
    assert commands_of(page) == [Command(3, 'role = "replica"\n', file="node.toml")]


def test_command_in_another_block_is_found() -> None:
    assert commands_elsewhere(PAGE) == ["$ cast nothing"]


def test_line_shown_stands_for_other_numbers_and_hashes() -> None:
    printed = ["first", "paid  -1,204.50 USD (0x12345678)", "last line of it"]
    assert missing_line(["paid 3.00 USD (0xabcdef)", "...", "last …"], printed) is None


def test_line_that_was_not_printed_is_told() -> None:
    assert missing_line(["a 1", "b"], ["b", "a 2"]) == "b"
    assert missing_line(["paid 3 USD"], ["paid three USD"]) == "paid 3 USD"


def test_hash_shown_is_known_by_what_was_printed() -> None:
    printed = ["sent 0x1111aaaa in 3", "sent 0x2222bbbb in 4"]
    assert hashes_seen(["sent 0xabcdef01 in 1"], printed) == {"0xabcdef01": "0x1111aaaa"}
