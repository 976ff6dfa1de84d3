"""Clusters for tests: providers with one protocol, and the engine and images that kind requires."""
