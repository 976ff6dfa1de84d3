"""The commands of the laboratory: `task-gateway` also has one for each file of this folder."""
