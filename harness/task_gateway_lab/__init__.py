"""The laboratory: tests and measures the product on real clusters. Extra `lab` of the distribution."""
