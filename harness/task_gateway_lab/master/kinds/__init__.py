"""The kinds of tasks that the stand-in master starts, a module for each; a new kind is a new file."""
