{{- /* {values, selector, context}: where pods run; the same keys in an EnvoyProxy and in a pod's spec */ -}}
{{- define "task-gateway.placement" -}}
{{- include "task-gateway.pullSecrets" .context }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- range $key := list "nodeSelector" "tolerations" "affinity" }}
{{- with get $.values $key }}
{{ $key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- with .values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  - {{ merge (dict) . (dict "labelSelector" (dict "matchLabels" $.selector)) | toYaml | nindent 4 | trim }}
  {{- end }}
{{- end }}
{{- end }}

{{- /* {values}: labels of one's own for a pod, then what Prometheus and others read from annotations */ -}}
{{- define "task-gateway.podMetadata" -}}
{{- range $key, $own := dict "labels" .values.podLabels "annotations" .values.podAnnotations }}
{{- with $own }}
{{ $key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{- /* {autoscaling}: what an autoscaler says beside the object that it scales; the same keys in an EnvoyProxy and in an HPA */ -}}
{{- define "task-gateway.autoscaling" -}}
minReplicas: {{ int64 .minReplicas }}
maxReplicas: {{ int64 .maxReplicas }}
metrics:
  - type: Resource
    resource:
      name: cpu
      target:
        type: Utilization
        averageUtilization: {{ int64 .targetCPUUtilizationPercentage }}
# A pod that goes takes its connections with it: never more than one at a time, and only after an hour of less load.
behavior:
  scaleDown:
    stabilizationWindowSeconds: {{ int64 .scaleDownSeconds }}
    policies:
      - type: Pods
        value: 1
        periodSeconds: {{ min .scaleDownSeconds 1800 }}
{{- end }}

{{- /* For containers that run a moment and end: jobs, the test, and Contour's init container of Envoy. */ -}}
{{- define "task-gateway.shortLived" -}}
{{- with .Values.hooks.resources -}}
{{ toYaml . }}
{{- else -}}
requests: { cpu: 10m, memory: 32Mi, ephemeral-storage: 1Mi }
limits: { cpu: 500m, memory: 128Mi, ephemeral-storage: 16Mi }
{{- end -}}
{{- end }}

{{- /* {labels, context}: labels for a pod from the values, those of the pod first */ -}}
{{- define "task-gateway.podLabels" -}}
{{- with merge (dict) (.labels | default dict) (.context.Values.commonLabels | default dict) -}}
{{ toYaml . }}
{{- end -}}
{{- end }}
