"""Measures what exposing tasks costs: real controllers and Envoys, tasks by the thousand on one node."""
