"""The `tallystick` command, one file a subcommand."""
