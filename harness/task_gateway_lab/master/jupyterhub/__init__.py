"""The hub of a run: JupyterHub and its proxy in the default cluster, notebooks in another one."""
