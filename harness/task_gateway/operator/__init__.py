"""The operator: exposes every pod with the label, writes the address to the pod, and frees its ports."""
