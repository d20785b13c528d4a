"""The command in this process, for tests that need no terminal, signal or exit of its own."""

from pathlib import Path

from click.testing import CliRunner, Result

from node.cli.main import cli


def run(*arguments: object, env: dict[str, str] | None = None, input: str | None = None) -> Result:
    """`tallystick ARGUMENTS`; an error of ours stays in the result as an exception."""
    return CliRunner().invoke(cli, [str(one) for one in arguments], env=env, input=input)


def key_file(path: Path, key: bytes) -> Path:
    """A plain key file, as its owner keeps it."""
    path.write_text(key.hex())
    path.chmod(0o600)
    return path
