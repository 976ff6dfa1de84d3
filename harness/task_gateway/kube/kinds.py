"""The kinds of Kubernetes' own objects in the form for `Kube`; those of Gateway API are in routing/gateway_api.py."""

POD, SERVICE, SECRET, CONFIG_MAP = "v1/Pod", "v1/Service", "v1/Secret", "v1/ConfigMap"
DEPLOYMENT, DAEMON_SET = "apps/v1/Deployment", "apps/v1/DaemonSet"
JOB = "batch/v1/Job"
EVENT, NAMESPACE = "v1/Event", "v1/Namespace"
LEASE = "coordination.k8s.io/v1/Lease"
ENDPOINT_SLICE = "discovery.k8s.io/v1/EndpointSlice"
