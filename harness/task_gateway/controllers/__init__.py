"""What is known about each gateway controller: one file and one frozen record each, found in `base`."""
