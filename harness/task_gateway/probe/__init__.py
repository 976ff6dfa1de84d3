"""Requirements on a gateway controller, and the probe that measures an installed one; each found in `base`."""
