{{/*
Contour serves one Gateway, which its configuration names. It takes a listener's port in Envoy's pod for 8000 more, and
wraps around; a Service brings both together, whose ports are made here: those of the slots, of contour.ports and of taskPorts.
*/}}

{{- define "task-gateway.contour.active" -}}
{{- if and .Values.controller.install (eq .Values.controller.name "contour") }}true{{ end -}}
{{- end }}

{{- define "task-gateway.contour.name" -}}
{{ include "task-gateway.gateway" . }}-contour
{{- end }}

{{- define "task-gateway.contour.envoy" -}}
{{ include "task-gateway.gateway" . }}-envoy
{{- end }}

{{- define "task-gateway.contour.certificates" -}}
{{ include "task-gateway.gateway" . }}-contour-certs
{{- end }}

{{- /* {name, context}: what a Deployment selects its pods by */ -}}
{{- define "task-gateway.contour.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .context.Release.Name }}
{{- end }}

{{- /* The ports of tasks, as a list: those of the slots, of contour.ports and of taskPorts. */ -}}
{{- define "task-gateway.contour.ports" -}}
{{- $ports := list -}}
{{- $more := list .Values.contour.ports (include "task-gateway.taskPorts" . | fromJson) -}}
{{- range concat (include "task-gateway.groups" . | fromJsonArray) $more -}}
{{- $ports = concat $ports (include "task-gateway.groupPorts" . | fromJsonArray) -}}
{{- end -}}
{{ uniq $ports | toJson }}
{{- end }}

{{- /* The same as a list of ranges, as in 20000-20063. */ -}}
{{- define "task-gateway.contour.ranges" -}}
{{- $ranges := list -}}
{{- $more := list .Values.contour.ports (include "task-gateway.taskPorts" . | fromJson) -}}
{{- range concat (include "task-gateway.groups" . | fromJsonArray) $more -}}
{{- if int .count }}{{ $ranges = append $ranges (printf "%d-%d" (int .start) (sub (add .start .count) 1)) }}{{ end -}}
{{- end -}}
{{ toJson $ranges }}
{{- end }}

{{- /* a port: where Envoy listens for it. Two ports meet where it wraps around, p and p + 1023 from 57536 on. */ -}}
{{- define "task-gateway.contour.inside" -}}
{{- $port := add . 8000 -}}
{{- if gt $port 65535 }}{{ $port = sub $port 65535 }}{{ end -}}
{{- if le $port 1023 }}{{ $port = add $port 1023 }}{{ end -}}
{{ $port }}
{{- end }}

{{- /* The Secrets that certgen makes, as a list. */ -}}
{{- define "task-gateway.contour.secrets" -}}
{{- $suffix := include "task-gateway.contour.certificates" . -}}
{{ list (printf "contourcert-%s" $suffix) (printf "envoycert-%s" $suffix) | toJson }}
{{- end }}

{{- /* Namespaces that Contour looks into, as a list. */ -}}
{{- define "task-gateway.contour.namespaces" -}}
{{ prepend (include "task-gateway.taskNamespaces" . | fromJsonArray) .Release.Namespace | uniq | toJson }}
{{- end }}
