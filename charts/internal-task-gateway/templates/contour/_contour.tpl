{{/*
Contour serves one Gateway, which its configuration names. It takes a listener's port in Envoy's pod for 8000 more, and
wraps around; a Service brings both together, whose ports are made here: those of the slots, of contour.ports and of taskPorts.
*/}}

{{- define "task-gateway.contour.active" -}}
{{- if and (kindIs "string" .Values.controller) (eq (include "task-gateway.controllerKey" .) "contour") }}true{{ end -}}
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

{{- /*
What the templates of the sub-chart contour render from, in JSON: its README describes each key. A template of a sub-chart
cannot read the values of the chart around it, so this chart passes them.
*/ -}}
{{- define "task-gateway.contour.parameters" -}}
{{- $hook := dict "event" "pre-install,pre-upgrade" "weight" 0 -}}
{{- $parameters := dict
  "release" .Release.Name
  "namespace" .Release.Namespace
  "gateway" (include "task-gateway.gateway" .)
  "class" (include "task-gateway.class" .)
  "namespaces" (include "task-gateway.contour.namespaces" . | fromJsonArray)
  "address" (.Values.gateway.addresses | default list | first | default "")
  "ipFamily" .Values.envoy.service.ipFamily
  "certificates" (include "task-gateway.contour.certificates" .)
  "labels" (include "task-gateway.labels" . | fromYaml)
  "podSecurity" (include "task-gateway.podSecurity" . | fromYaml)
  "containerSecurity" (include "task-gateway.containerSecurity" . | fromYaml)
  "hooks" (dict
    "first" (include "task-gateway.hook" $hook | fromYaml)
    "second" (include "task-gateway.hook" (set $hook "weight" 1) | fromYaml)
    "resources" (include "task-gateway.shortLived" . | fromYaml)
    "placement" (include "task-gateway.placement" (dict "values" .Values.hooks "context" .) | fromYaml)) -}}
{{- $secrets := include "task-gateway.contour.secrets" . | fromJsonArray -}}
{{- range $key, $secret := dict "contour" (first $secrets) "envoy" (last $secrets) -}}
{{- $name := include (printf "task-gateway.contour.%s" (eq $key "envoy" | ternary "envoy" "name")) $ -}}
{{- $selector := include "task-gateway.contour.selector" (dict "name" $name "context" $) | fromYaml -}}
{{- $values := get $.Values $key -}}
{{- $_ := set $parameters $key (dict
  "name" $name
  "secret" $secret
  "selector" $selector
  "values" $values
  "image" (include "task-gateway.image" (dict "image" $values.image "context" $))
  "podLabels" (include "task-gateway.podLabels" (dict "labels" $values.podLabels "context" $) | fromYaml)
  "placement" (include "task-gateway.placement" (dict "values" $values "selector" $selector "context" $) | fromYaml)) -}}
{{- end -}}
{{- if .Values.envoy.autoscaling.enabled -}}
{{- $_ := set $parameters.envoy "autoscaling" (include "task-gateway.autoscaling" .Values.envoy.autoscaling | fromYaml) -}}
{{- end -}}
{{ toJson $parameters }}
{{- end }}
