"""The stand-in master, which starts tasks and proxies to them, and clients that use them as a person does."""
