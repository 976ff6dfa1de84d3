"""The commands of the laboratory: `task-gateway` has one for each file of this folder too."""
