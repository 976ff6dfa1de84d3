"""The kinds of tasks that the stand-in master starts, one per module. To add one, add a module."""
