"""The command line: one thin module per command, found by `_commands`; `output` prints, `main` reports errors."""
