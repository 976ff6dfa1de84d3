{{- /* {event, weight}: objects that live while a hook runs; each run begins by removing those of the last one */ -}}
{{- define "task-gateway.hook" -}}
helm.sh/hook: {{ .event }}
helm.sh/hook-weight: {{ .weight | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
helm.sh/hook-output-log-policy: hook-failed
{{- end }}

{{- /* {name, context, arguments}: one call of kubectl, within Pod Security "restricted" */ -}}
{{- define "task-gateway.kubectl" -}}
- name: {{ .name }}
  image: {{ include "task-gateway.image" (dict "image" .context.Values.hooks.image "context" .context) }}
  args: {{ toJson .arguments }}
  resources:
    {{- include "task-gateway.shortLived" .context | nindent 4 }}
  securityContext:
    {{- include "task-gateway.containerSecurity" . | nindent 4 }}
{{- end }}
