{{- /* Rules of Roles that the resource manager and the operator share. */ -}}

{{- /* {strategies, context}: to read the gateway; the strategies are those of rbac.strategies without `determined`, if any */ -}}
{{- define "task-gateway.rules.gateway" -}}
- apiGroups: [gateway.networking.k8s.io]
  resources: [gateways]
  resourceNames: [{{ include "task-gateway.gateway" .context }}]
  verbs: [get, list, watch{{ if has "listeners" .strategies }}, update{{ end }}]
- apiGroups: [gateway.networking.k8s.io]
  resources: [listenersets]
  verbs: [{{ if has "slots" .strategies }}get, {{ end }}list, watch]
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [{{ include "task-gateway.templates" .context }}]
  verbs: [get]
{{- end }}

{{- /* {namespace, context}: to claim the slots of a task namespace, by their names */ -}}
{{- define "task-gateway.rules.claims" -}}
{{- $gateway := include "task-gateway.gateway" .context -}}
{{- $names := list -}}
{{- range $group := include "task-gateway.groups" .context | fromJsonArray -}}
{{- if and (eq $group.namespace $.namespace) (eq $group.use "slot") -}}
{{- range include "task-gateway.groupPorts" $group | fromJsonArray -}}
{{- $names = append $names (include "task-gateway.portName" (dict "gateway" $gateway "use" "slot" "port" .)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- /* No name at all would mean every Service. */ -}}
{{- with $names -}}
- apiGroups: [""]
  resources: [services]
  verbs: [patch]
  resourceNames:
    {{- toYaml . | nindent 4 }}
{{- end }}
{{- end }}
