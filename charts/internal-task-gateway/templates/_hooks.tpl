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
  image: {{ include "task-gateway.image" (dict "image" .context.Values.kubectl.image "context" .context) }}
  args: {{ toJson .arguments }}
  resources:
    {{- include "task-gateway.shortLived" .context | nindent 4 }}
  securityContext:
    {{- include "task-gateway.containerSecurity" . | nindent 4 }}
{{- end }}

{{- /*
What a controller makes for itself where it is installed, as names by kind: certificates, and the lease by which one of its
pods leads. Helm knows nothing of them.
*/ -}}
{{- define "task-gateway.remains" -}}
{{- if include "task-gateway.contour.active" . -}}
secrets: {{ include "task-gateway.contour.secrets" . }}
leases: [{{ include "task-gateway.contour.name" . }}]
{{- else if and .Values.controller.install (ne (toString (dig "enabled" "unset" (index .Values "envoy-gateway"))) "false") -}}
secrets: [envoy, envoy-gateway, envoy-oidc-hmac, envoy-rate-limit]
leases: [5b9825d2.gateway.envoyproxy.io]
{{- end -}}
{{- end }}
