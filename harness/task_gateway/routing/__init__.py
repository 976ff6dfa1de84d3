"""Makes tasks reachable through a gateway: strategies with one protocol, one per module of `strategies`."""
