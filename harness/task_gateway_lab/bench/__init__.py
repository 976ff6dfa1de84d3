"""Measures the cost of exposing tasks, with real controllers and Envoys and thousands of tasks on one node."""
