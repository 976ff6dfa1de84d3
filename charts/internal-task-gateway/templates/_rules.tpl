{{- /* Rules of Roles that several of them share, and their bindings. */ -}}

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

{{- /* {namespace, context, use}: to claim the slots of a task namespace, by their names; `use` is that of the groups */ -}}
{{- define "task-gateway.rules.claims" -}}
{{- $gateway := include "task-gateway.gateway" .context -}}
{{- $names := list -}}
{{- range $group := include "task-gateway.groups" .context | fromJsonArray -}}
{{- if and (eq $group.namespace $.namespace) (eq $group.use $.use) -}}
{{- range include "task-gateway.groupPorts" $group | fromJsonArray -}}
{{- $names = append $names (include "task-gateway.portName" (dict "gateway" $gateway "use" $.use "port" .)) -}}
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

{{- /* a Gateway: what a Determined master calls there */ -}}
{{- define "task-gateway.rules.master" -}}
- apiGroups: [gateway.networking.k8s.io]
  resources: [gateways]
  resourceNames: [{{ . }}]
  verbs: [get, update]
{{- end }}

{{- /* What a Determined master calls in a namespace of tasks, besides the calls that its own chart grants. */ -}}
{{- define "task-gateway.rules.masterTasks" -}}
- apiGroups: [""]
  resources: [services]
  verbs: [list, create, delete]
- apiGroups: [gateway.networking.k8s.io]
  resources: [tcproutes]
  verbs: [list, create, delete]
{{- end }}

{{- /* {subjects, context}: subjects of the values, as a RoleBinding has them */ -}}
{{- define "task-gateway.subjects" -}}
{{- range .subjects }}
- kind: {{ .kind }}
  name: {{ .name | quote }}
  {{- if eq .kind "ServiceAccount" }}
  namespace: {{ .namespace | default $.context.Release.Namespace }}
  {{- else }}
  apiGroup: rbac.authorization.k8s.io
  {{- end }}
{{- end }}
{{- end }}

{{- /* {name, namespace, subjects, context}: binds a Role to subjects */ -}}
{{- define "task-gateway.roleBinding" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ .name }}
  namespace: {{ .namespace }}
  labels:
    {{- include "task-gateway.labels" .context | nindent 4 }}
    app.kubernetes.io/component: rbac
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ .name }}
subjects:
  {{- .subjects | nindent 2 }}
{{- end }}
