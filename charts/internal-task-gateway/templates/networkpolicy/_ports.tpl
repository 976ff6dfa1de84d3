{{- /* The ports of Envoy's pod and of its controller that are no task's, as JSON; `first` to `last` are Envoy's own. */ -}}
{{- define "task-gateway.envoyOwnPorts" -}}
{{- if eq .Values.controller.name "contour" -}}
{{ dict "first" 8002 "last" 8002 "metrics" 8002 "xds" 8001 "controllerMetrics" 8000 | toJson }}
{{- else -}}
{{ dict "first" 19000 "last" 19003 "metrics" 19001 "xds" 18000 "controllerMetrics" 19001 | toJson }}
{{- end -}}
{{- end }}

{{- define "task-gateway.controllerSelector" -}}
{{- if eq .Values.controller.name "contour" -}}
{{ include "task-gateway.contour.selector" (dict "name" (include "task-gateway.contour.name" .) "context" .) | fromYaml | toJson }}
{{- else -}}
{{ dict "control-plane" "envoy-gateway" "app.kubernetes.io/instance" .Release.Name | toJson }}
{{- end -}}
{{- end }}
