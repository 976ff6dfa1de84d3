{{/*
Where slots are: in the namespace of `slots` and in each of `taskNamespaces`. As a list of {namespace, start, count, from},
the keys of `from` being the values that say so, and `set` the number of its first ListenerSet.
*/}}
{{- define "task-gateway.groups" -}}
{{- $first := dict "namespace" (include "task-gateway.slotsNamespace" .) "start" .Values.slots.start "count" .Values.slots.count "from" "slots" -}}
{{- $groups := list -}}
{{- $set := 0 -}}
{{- /* `helm upgrade --reuse-values` from a release that had no such value brings none. */ -}}
{{- range $index, $each := prepend (.Values.taskNamespaces | default list) $first -}}
{{- $from := $each.from | default (printf "taskNamespaces[%d]" (sub $index 1)) -}}
{{- $groups = append $groups (merge (dict "set" $set "from" $from) $each) -}}
{{- $set = add $set (div (add $each.count 63) 64) -}}
{{- end -}}
{{ toJson $groups }}
{{- end }}

{{- /* A group's ports, as a list; it goes through JSON, so that integers stay integers. */ -}}
{{- define "task-gateway.groupPorts" -}}
{{ untilStep (int .start) (add .start .count | int) 1 | toJson }}
{{- end }}

{{- /* How many slots all groups have. */ -}}
{{- define "task-gateway.slotCount" -}}
{{- $count := 0 -}}
{{- range include "task-gateway.groups" . | fromJsonArray }}{{ $count = add $count .count }}{{ end -}}
{{ $count }}
{{- end }}

{{- /* The value taskPorts, as a group of no slots. */ -}}
{{- define "task-gateway.taskPorts" -}}
{{- /* `helm upgrade --reuse-values` from a release that had no such value brings none. */ -}}
{{ merge (dict "from" "taskPorts" "namespace" "") (.Values.taskPorts | default (dict "start" 24000 "count" 0)) | toJson }}
{{- end }}

{{- /*
The range of taskPorts as {start, end}, empty if it has no ports. It ends where the listeners end that the cluster's CRD
allows beside the Gateway's own.
*/ -}}
{{- define "task-gateway.taskRange" -}}
{{- $ports := include "task-gateway.taskPorts" . | fromJson -}}
{{- $count := int $ports.count -}}
{{- $slots := eq (include "task-gateway.slotsParent" .) "Gateway" | ternary (int (include "task-gateway.slotCount" .)) 0 -}}
{{- range dig "spec" "versions" (list) (lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" "gateways.gateway.networking.k8s.io") -}}
{{- $most := dig "schema" "openAPIV3Schema" "properties" "spec" "properties" "listeners" "maxItems" 65535 . | int -}}
{{- if .served }}{{ $count = min $count (max 0 (sub $most (max 1 $slots))) }}{{ end -}}
{{- end -}}
{{- $range := dict "start" (int $ports.start) "end" (sub (add $ports.start $count) 1) -}}
{{ gt (int $count) 0 | ternary $range (dict) | toJson }}
{{- end }}

{{- /* The namespaces of all groups, as a list. */ -}}
{{- define "task-gateway.taskNamespaces" -}}
{{- $names := list -}}
{{- range include "task-gateway.groups" . | fromJsonArray }}{{ $names = append $names .namespace }}{{ end -}}
{{ uniq $names | toJson }}
{{- end }}
