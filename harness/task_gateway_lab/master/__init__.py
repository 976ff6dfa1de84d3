"""The stand-in master: starts tasks, proxies to them, and uses them as a person would."""
