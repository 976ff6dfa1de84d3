{{- /*
Rejects the values of earlier releases and names the value that replaces each. Helm checks the schema first, so the schema allows
these keys. An empty value counts as not set: with --reuse-values, `--set service=null` removes it.
*/ -}}
{{- define "task-gateway.refuseRemoved" -}}
{{- if .Values.service -}}
{{- fail "service was renamed to envoy.service" -}}
{{- end -}}
{{- if .Values.kubectl -}}
{{- fail "kubectl was renamed to hooks" -}}
{{- end -}}
{{- if kindIs "map" .Values.slots -}}
{{- fail "slots is now a list: replace slots.namespace, slots.start and slots.count with --set-json 'slots=[{\"namespace\":\"NAMESPACE\",\"start\":20000,\"count\":64}]', slots.parent with slotListeners.kind, and slots.admissionPolicy with slotsPolicy.enabled" -}}
{{- end -}}
{{- if .Values.taskNamespaces -}}
{{- fail "taskNamespaces was removed: add its items to the list slots" -}}
{{- end -}}
{{- end }}
