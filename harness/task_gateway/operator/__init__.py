"""The operator: exposes every pod that carries a label, writes the address back to it, and frees its ports."""
