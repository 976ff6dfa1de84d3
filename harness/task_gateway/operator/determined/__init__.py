"""The lane of a Determined master: the operator leads the slot of each of its ports to the pods that have the port."""
