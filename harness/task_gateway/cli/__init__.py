"""The command line: one thin module a command; `output` prints what they find, `main` what they raise."""
