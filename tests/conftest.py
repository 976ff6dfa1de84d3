"""Settings for all tests: interrupts also work in a background job, and examples of properties have no time limit."""

import signal

import hypothesis

signal.signal(signal.SIGINT, signal.default_int_handler)  # the shell of a background job ignores them
hypothesis.settings.register_profile("busy", deadline=None)  # a busy machine must not fail a test
hypothesis.settings.load_profile("busy")
