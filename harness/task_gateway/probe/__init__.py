"""The requirements on a gateway controller, registered in `base`, and the probe that tests an installed one."""
