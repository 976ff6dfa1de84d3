"""The only package that sends requests to an API server or starts programs."""
