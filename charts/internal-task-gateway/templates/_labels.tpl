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

{{- /* For objects that Envoy Gateway does not give the labels of the Gateway's infrastructure. */ -}}
{{- define "task-gateway.labelPatch" -}}
{{- with .Values.commonLabels -}}
patch:
  type: StrategicMerge
  value:
    metadata:
      labels:
        {{- toYaml . | nindent 8 }}
{{- end -}}
{{- end }}

{{- /*
{chart, release, managedBy, gateway, gatewayNamespace, use, labels}: objects of which there are many. No version, so that an upgrade
changes none of them.
*/ -}}
{{- define "task-gateway.portLabels" -}}
app.kubernetes.io/name: {{ .chart }}
app.kubernetes.io/instance: {{ .release }}
app.kubernetes.io/managed-by: {{ .managedBy }}
app.kubernetes.io/component: {{ .use }}
task-gateway.dev/gateway: {{ .gateway }}
task-gateway.dev/gateway-namespace: {{ .gatewayNamespace }}
{{- with .labels }}
{{ toYaml . }}
{{- end }}
{{- end }}
