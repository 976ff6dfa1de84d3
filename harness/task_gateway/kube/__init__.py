"""The only room that talks to an API server or starts a program."""
