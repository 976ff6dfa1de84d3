"""Clusters to work on: providers behind one protocol, and the engine and images that kind needs."""
