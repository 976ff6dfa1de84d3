"""The ways to reach a task that `bench peers` compares with a slot, each in a module of its own."""
