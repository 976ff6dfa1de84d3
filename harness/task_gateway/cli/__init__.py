"""The command line: a thin module for each command; `_commands` finds them, `output` prints, `main` ends the program."""
