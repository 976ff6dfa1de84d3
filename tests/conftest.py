"""What all tiers share: interrupts work, also where the tests run as a background job, whose shell had them ignored."""

import signal

signal.signal(signal.SIGINT, signal.default_int_handler)
