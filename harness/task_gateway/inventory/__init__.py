"""A gateway as it is in its cluster: one file for each part that is read together, and the snapshot of all of them."""
