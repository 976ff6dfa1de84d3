"""Custom resource definitions: what they allow, what their rules cost, and how a limit in them is raised."""
