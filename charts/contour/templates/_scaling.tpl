{{- /* What Envoy Gateway makes from an EnvoyProxy, and Contour leaves to others. */}}
{{- define "contour.scaling" -}}
{{- range $each := list .contour .envoy }}
{{- with $each.values.podDisruptionBudget }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $each.name }}
  namespace: {{ $.namespace }}
  labels:
    {{- toYaml $.labels | nindent 4 }}
    app.kubernetes.io/component: {{ eq $each.name $.envoy.name | ternary "envoy" "contour" }}
spec:
  {{- toYaml . | nindent 2 }}
  selector:
    matchLabels:
      {{- toYaml $each.selector | nindent 6 }}
{{- end }}
{{- end }}
{{- if .envoy.autoscaling }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ .envoy.name }}
  namespace: {{ .namespace }}
  labels:
    {{- toYaml .labels | nindent 4 }}
    app.kubernetes.io/component: envoy
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ .envoy.name }}
  {{- toYaml .envoy.autoscaling | nindent 2 }}
{{- end }}
{{- end }}
