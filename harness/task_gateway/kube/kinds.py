"""The kinds of Kubernetes' own objects, as `Kube` takes them; those of Gateway API are in routing/gateway_api.py."""

POD, SERVICE, SECRET = "v1/Pod", "v1/Service", "v1/Secret"
JOB = "batch/v1/Job"
ENDPOINT_SLICE = "discovery.k8s.io/v1/EndpointSlice"
