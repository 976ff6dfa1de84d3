{{- /* {image, context}: an image, from the registry that all images are had from if the values name one */ -}}
{{- define "task-gateway.image" -}}
{{- $global := .context.Values.global | default dict -}}
{{- if $global.imageRegistry -}}
{{ $global.imageRegistry }}/{{ (splitn "/" 2 .image)._1 }}
{{- else -}}
{{ .image }}
{{- end -}}
{{- end }}

{{- /* Secrets to pull images with, for a pod; the names are those of Envoy Gateway's chart, which reads the same values. */ -}}
{{- define "task-gateway.pullSecrets" -}}
{{- with (.Values.global | default dict).imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
