"""Builds the toolchain where no container registry answers: programs from Go modules, images from them and Debian."""
