"""Fetches the toolchain where registries answer: images through the engine, programs from their releases."""
