"""The hub that a run starts: JupyterHub and its proxy in the default cluster, notebooks in another one."""
