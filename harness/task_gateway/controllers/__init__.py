"""The facts about each gateway controller: one module with one frozen record each, registered in `base`."""
