{{- define "contour.serviceaccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .contour.name }}
  namespace: {{ .namespace }}
  labels:
    {{- toYaml .labels | nindent 4 }}
    app.kubernetes.io/component: contour
automountServiceAccountToken: false
{{- end }}
