{{- define "contour.configmap" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .contour.name }}
  namespace: {{ .namespace }}
  labels:
    {{- toYaml .labels | nindent 4 }}
    app.kubernetes.io/component: contour
data:
  contour.yaml: |
    gateway:
      gatewayRef:
        namespace: {{ .namespace }}
        name: {{ .gateway }}
{{- end }}
