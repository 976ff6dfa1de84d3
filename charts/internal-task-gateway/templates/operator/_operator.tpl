{{- /* The operator: names, labels and the ports that it may expose. */ -}}

{{- define "task-gateway.operator.name" -}}
{{ include "task-gateway.gateway" . }}-operator
{{- end }}

{{- /* "true" if the operator is installed. `helm upgrade --reuse-values` from a release that had no such value brings none. */ -}}
{{- define "task-gateway.operator.enabled" -}}
{{- if (.Values.operator | default dict).enabled }}true{{ end -}}
{{- end }}

{{- /* "true" if the policies are installed that keep the operator's labels, annotations and conditions to it. */ -}}
{{- define "task-gateway.operator.guarded" -}}
{{- if and (include "task-gateway.operator.enabled" .) .Values.operator.admissionPolicies }}true{{ end -}}
{{- end }}

{{- /* The lane of a Determined master as {namespace, start, count, subjects, gate}; empty without one. */ -}}
{{- define "task-gateway.lane" -}}
{{- $values := (.Values.operator | default dict).determined | default dict -}}
{{- $lane := dict "namespace" ($values.namespace | default .Release.Namespace) "start" $values.start "count" $values.count "subjects" ($values.subjects | default list) "gate" (eq "true" (toString $values.schedulingGate)) -}}
{{ and (eq "true" (include "task-gateway.operator.enabled" .)) (eq "true" (toString $values.enabled)) | ternary $lane dict | toJson }}
{{- end }}

{{- /* The Gateway of the lane, which only the master writes. */ -}}
{{- define "task-gateway.lane.gateway" -}}
{{ include "task-gateway.gateway" . }}-determined
{{- end }}

{{- /* Its class belongs to the cluster, and so do admission policies. */ -}}
{{- define "task-gateway.lane.class" -}}
{{ include "task-gateway.lane.gateway" . }}.{{ .Release.Namespace }}
{{- end }}

{{- /* Labels by which the Deployment, the Service and the policies select the operator's pods. */ -}}
{{- define "task-gateway.operator.selector" -}}
app.kubernetes.io/name: {{ include "task-gateway.operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* Admission policies are cluster-wide: {context, what} */ -}}
{{- define "task-gateway.operator.policy" -}}
{{ include "task-gateway.gateway" .context }}.{{ .context.Release.Namespace }}-{{ .what }}
{{- end }}

{{- /* {name, namespace, context}: binds a Role to the ServiceAccount of the operator */ -}}
{{- define "task-gateway.operator.binding" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ .name }}
  namespace: {{ .namespace }}
  labels:
    {{- include "task-gateway.labels" .context | nindent 4 }}
    app.kubernetes.io/component: operator
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "task-gateway.operator.name" .context }}
    namespace: {{ .context.Release.Namespace }}
{{- end }}
