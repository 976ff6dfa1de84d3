"""The ways to reach a task that `bench peers` compares with a slot, each in its own module."""
