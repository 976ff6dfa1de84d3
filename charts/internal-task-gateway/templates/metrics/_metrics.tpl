{{- define "task-gateway.metrics" -}}
{{ include "task-gateway.gateway" . }}-metrics
{{- end }}

{{- /* What the dashboard shows, of all that Envoy counts. */ -}}
{{- define "task-gateway.metricNames" -}}
{{ list "envoy_cluster_membership_total" "envoy_cluster_upstream_cx_active" "envoy_cluster_upstream_cx_total" "envoy_cluster_upstream_cx_none_healthy" "envoy_cluster_upstream_cx_connect_fail" "envoy_cluster_upstream_cx_rx_bytes_total" "envoy_cluster_upstream_cx_tx_bytes_total" "envoy_server_live" "envoy_server_memory_allocated" | toJson }}
{{- end }}

{{- /* {name, gateway, namespace}: a metric of the gateway's tasks; both controllers name a cluster after the route or its Service */ -}}
{{- define "task-gateway.metric" -}}
{{ .name }}{namespace="{{ .namespace }}",envoy_cluster_name=~".*[/_]{{ .gateway }}-{{ .use | default "(slot|static|task)" }}-[0-9]+[/_].*"}
{{- end }}
