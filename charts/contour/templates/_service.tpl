{{- define "contour.service" -}}
{{- $name := .contour.name }}
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  namespace: {{ .namespace }}
  labels:
    {{- toYaml .labels | nindent 4 }}
    app.kubernetes.io/component: contour
spec:
  type: ClusterIP
  selector:
    {{- toYaml .contour.selector | nindent 4 }}
  ports:
    - name: xds
      port: 8001
      protocol: TCP
{{- end }}
