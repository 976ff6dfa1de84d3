{{/*
The one home of names. The longest suffix is "-task-routing-templates", so that a gateway's name of at most 40
characters makes every other name valid; one that begins with a letter makes valid names of Services.
*/}}

{{- define "task-gateway.gateway" -}}
{{- $release := .Release.Name -}}
{{- if .Values.gateway.name -}}
{{ .Values.gateway.name }}
{{- else if regexMatch "^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$" $release -}}
{{ $release }}
{{- else -}}
{{- /* Too long, or with a dot, or with a digit in front: the digest keeps two such releases apart. */ -}}
gw-{{ $release | replace "." "-" | trunc 28 | trimSuffix "-" }}-{{ $release | sha256sum | trunc 8 }}
{{- end -}}
{{- end }}

{{- /* Classes belong to the cluster. No namespace has a dot in its name, so that no two releases share a class. */ -}}
{{- define "task-gateway.class" -}}
{{ .Values.gatewayClass.name | default (printf "%s.%s" (include "task-gateway.gateway" .) .Release.Namespace) }}
{{- end }}

{{- /* ListenerSet or Gateway: kind of object that holds the listeners of the slots */ -}}
{{- define "task-gateway.slotsParent" -}}
{{ (.Values.slotListeners | default dict).kind | default (include "task-gateway.controller" . | fromJson).slotsParent }}
{{- end }}

{{- /* Admission policies belong to the cluster too. */ -}}
{{- define "task-gateway.slotsPolicy" -}}
{{ include "task-gateway.gateway" . }}.{{ .Release.Namespace }}-slots
{{- end }}

{{- define "task-gateway.controllerName" -}}
{{ .Values.gatewayClass.controllerName | default (include "task-gateway.controller" . | fromJson).class }}
{{- end }}

{{- /* The Secret with the certificate for tasks' ports; empty if their bytes are passed on as they come. */ -}}
{{- define "task-gateway.tlsSecret" -}}
{{- if .Values.tls.secretName -}}
{{ .Values.tls.secretName }}
{{- else if .Values.tls.certManager.issuerRef -}}
{{ include "task-gateway.gateway" . }}-tls
{{- end -}}
{{- end }}

{{- define "task-gateway.templates" -}}
{{ include "task-gateway.gateway" . }}-task-routing-templates
{{- end }}

{{- define "task-gateway.resourceManager" -}}
{{ include "task-gateway.gateway" . }}-resource-manager
{{- end }}

{{- /* {gateway, context}: policies belong to the cluster */ -}}
{{- define "task-gateway.routePolicy" -}}
task-routes.{{ .gateway }}.{{ .context.Release.Namespace }}
{{- end }}

{{- define "task-gateway.test" -}}
{{ include "task-gateway.gateway" . }}-test
{{- end }}

{{- /* {gateway, use: slot | static | task, port}: a route and its Service */ -}}
{{- define "task-gateway.portName" -}}
{{ .gateway }}-{{ .use }}-{{ .port }}
{{- end }}

{{- /* {gateway, set}: the ListenerSets of the slots, counted from 0 */ -}}
{{- define "task-gateway.listenerSetName" -}}
{{ .gateway }}-slots-{{ .set }}
{{- end }}

{{- define "task-gateway.uninstall" -}}
{{ include "task-gateway.gateway" . }}-uninstall
{{- end }}
