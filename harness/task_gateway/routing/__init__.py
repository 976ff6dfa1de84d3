"""Makes tasks reachable through a gateway: strategies behind one protocol, one a module of `strategies`."""
