"""The version of the package and of both charts, which are released together."""

__version__ = "0.1.0"
