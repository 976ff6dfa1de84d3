"""Fetches the toolchain if registries answer: images with the engine, programs from their releases."""
