{{- define "task-gateway.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
task-gateway.dev/gateway: {{ include "task-gateway.gateway" . }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /*
{chart, release, managedBy, gateway, gatewayNamespace}: objects of which there are many. No version, so that an upgrade leaves them alone.
*/ -}}
{{- define "task-gateway.portLabels" -}}
app.kubernetes.io/name: {{ .chart }}
app.kubernetes.io/instance: {{ .release }}
app.kubernetes.io/managed-by: {{ .managedBy }}
task-gateway.dev/gateway: {{ .gateway }}
task-gateway.dev/gateway-namespace: {{ .gatewayNamespace }}
{{- end }}
