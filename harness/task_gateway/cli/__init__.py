"""The command line: one thin module a command, found by `_commands`; `output` prints, `main` reports errors."""
