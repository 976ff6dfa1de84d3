"""The lane of a Determined master: the operator routes the slot of each port to the pods that have the port."""
