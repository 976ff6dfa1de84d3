"""Builds the toolchain without a container registry: programs from Go modules, images from them and Debian."""
