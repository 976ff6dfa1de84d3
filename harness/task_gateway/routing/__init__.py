"""Makes tasks reachable through a gateway: strategies behind one protocol, by name in `base.STRATEGIES`."""
