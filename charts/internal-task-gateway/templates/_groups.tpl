{{/*
The groups of slots, as a list of {namespace, start, count, from, set, use}: the items of `slots` with their namespace, `from` being
the value that an item is, `set` the number of its first ListenerSet, and `use` "static" for one with a selector, "slot" otherwise. The last group has the `use` "lane" if there is a lane for a Determined master. Without
any group there are no slots, and tasks run in the namespace of the release.
*/}}
{{- define "task-gateway.groups" -}}
{{- include "task-gateway.refuseRemoved" . -}}
{{- $groups := list -}}
{{- $set := 0 -}}
{{- $lane := include "task-gateway.lane" . | fromJson -}}
{{- range $index, $each := .Values.slots | default (empty $lane | ternary (list (dict "start" 20000 "count" 0)) list) -}}
{{- $more := dict "namespace" ($each.namespace | default $.Release.Namespace) "from" (printf "slots[%d]" $index) "set" $set "use" (empty $each.selector | ternary "slot" "static") -}}
{{- $groups = append $groups (merge $more $each) -}}
{{- $set = add $set (div (add $each.count 63) 64) -}}
{{- end -}}
{{- with $lane -}}
{{- $groups = append $groups (dict "namespace" .namespace "start" .start "count" .count "from" "operator.determined" "set" $set "use" "lane") -}}
{{- end -}}
{{ toJson $groups }}
{{- end }}

{{- /* A group's ports, as a list; it goes through JSON, so that integers stay integers. */ -}}
{{- define "task-gateway.groupPorts" -}}
{{ untilStep (int .start) (add .start .count | int) 1 | toJson }}
{{- end }}

{{- /* How many slots all groups have, static ones too. */ -}}
{{- define "task-gateway.slotCount" -}}
{{- $count := 0 -}}
{{- range include "task-gateway.groups" . | fromJsonArray }}{{ $count = add $count .count }}{{ end -}}
{{ $count }}
{{- end }}

{{- /* How many of them can be claimed. */ -}}
{{- define "task-gateway.claimableCount" -}}
{{- $count := 0 -}}
{{- range include "task-gateway.groups" . | fromJsonArray }}{{ if eq .use "slot" }}{{ $count = add $count .count }}{{ end }}{{ end -}}
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

{{- /* The namespaces of tasks, as a list. Groups can share one. */ -}}
{{- define "task-gateway.taskNamespaces" -}}
{{- $names := list -}}
{{- range include "task-gateway.groups" . | fromJsonArray }}{{ $names = append $names .namespace }}{{ end -}}
{{ uniq $names | toJson }}
{{- end }}
