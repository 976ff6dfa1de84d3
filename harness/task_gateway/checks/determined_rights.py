"""The rights of a Determined master, call by call, as its source makes them; its chart and this one grant a part each.

Read in master/internal/rm/kubernetesrm (jobs.go, job.go, informer.go, log.go, request_workers.go, gateway_service.go)
of determined-ai/determined at c1e9c6d7b8. Its own ClusterRole is helm/charts/determined/templates/
master-permissions.yaml. It lacks those on Gateways and TCPRoutes, and create and delete of Services.
"""

GROUP = "gateway.networking.k8s.io"
Need = tuple[str, str, str, bool]
"""Verb, group, resource/subresource, and whether it is required in the tasks' namespace, else in the Gateway's."""
Everywhere = tuple[str, str, str]
"""Verb, group, resource: required in all namespaces, or cluster-scoped."""

BY_THIS_CHART: tuple[Need, ...] = (
    ("update", GROUP, "gateways", False),
    *((verb, "", "services", True) for verb in ("list", "create", "delete")),
    *((verb, GROUP, "tcproutes", True) for verb in ("list", "create", "delete")),
)
"""Its own ClusterRole only allows to get and list Services."""

BY_ITS_OWN_ROLE: tuple[Need, ...] = (
    *((verb, "", "pods", True) for verb in ("list", "watch", "delete")),
    ("get", "", "pods/log", True),
    *((verb, "batch", "jobs", True) for verb in ("create", "watch", "delete")),
    *((verb, "", "configmaps", True) for verb in ("list", "create", "delete")),
    *((verb, "", "events", True) for verb in ("list", "watch")),
)
"""At startup it lists pods and ConfigMaps, and watches Jobs, pods and Events. Without permission it exits."""

EVERYWHERE: tuple[Everywhere, ...] = (("list", "batch", "jobs"),)
"""At startup it lists Jobs in all namespaces. Its fallback to one namespace lists them all again, and exits."""

NODES: tuple[Everywhere, ...] = tuple((verb, "", "nodes") for verb in ("list", "watch", "patch"))
"""It starts without these, and then shows no nodes (list, watch) or cannot enable and disable them (patch).

Not required: namespaces and resourcequotas, for workspaces that get their own namespace, and priorityclasses, for
its priority scheduler.
"""
