"""The laboratory: proves on real clusters how many tasks, how fast and how safely. Extra `lab` of the distribution."""
