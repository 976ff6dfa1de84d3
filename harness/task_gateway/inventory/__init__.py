"""Reads a gateway in its cluster: one module for each part that is read together, and the snapshot of all parts."""
