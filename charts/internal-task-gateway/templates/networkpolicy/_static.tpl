{{- /* The pods that static slots and the lane lead to, as peers of a NetworkPolicy: those with every label of a selector, whatever its value. */ -}}
{{- define "task-gateway.staticPods" -}}
{{- range include "task-gateway.groups" . | fromJsonArray }}
{{- if eq .use "static" }}
- namespaceSelector:
    matchLabels:
      kubernetes.io/metadata.name: {{ .namespace }}
  podSelector:
    matchExpressions:
      {{- range $key, $value := .selector }}
      - key: {{ $key }}
        operator: Exists
      {{- end }}
{{- else if eq .use "lane" }}
- namespaceSelector:
    matchLabels:
      kubernetes.io/metadata.name: {{ .namespace }}
  podSelector:
    matchExpressions:
      - key: determined
        operator: Exists
{{- end }}
{{- end }}
{{- end }}
