"""What all tiers share: interrupts work also in a background job, and no example of a property has a time limit."""

import signal

import hypothesis

signal.signal(signal.SIGINT, signal.default_int_handler)  # the shell of a background job had them ignored
hypothesis.settings.register_profile("busy", deadline=None)  # a busy machine is no wrong answer
hypothesis.settings.load_profile("busy")
