{{- /*
The operator's panels of the dashboard, as a list; none without the operator. Every replica counts all pods. Prometheus renames
the metrics' own label `namespace`, because the monitor has one.
*/ -}}
{{- define "task-gateway.operator.panels" -}}
{{- $panels := list }}
{{- if include "task-gateway.operator.enabled" . }}
{{- $of := printf "{namespace=%q,service=%q}" .Release.Namespace (include "task-gateway.operator.name" .) }}
{{- $quantile := "histogram_quantile(%s, sum by (le) (rate(task_gateway_operator_%s_seconds_bucket%s[5m])))" }}
{{- $panels = list
  (dict "title" "Ports of the operator's pods" "type" "timeseries" "unit" "none" "series" (list
    (dict "expr" (printf "sum(max by (exported_namespace) (task_gateway_operator_exposed%s))" $of) "name" "exposed")
    (dict "expr" (printf "sum(max by (exported_namespace) (task_gateway_operator_waiting%s))" $of) "name" "waiting")
    (dict "expr" (printf "sum(max by (exported_namespace) (task_gateway_operator_free%s))" $of) "name" "free slots")))
  (dict "title" "From the pod's address to its port" "type" "timeseries" "unit" "s" "series" (list
    (dict "expr" (printf $quantile "0.5" "claim" $of) "name" "claimed, median")
    (dict "expr" (printf $quantile "0.99" "claim" $of) "name" "claimed, 99%")
    (dict "expr" (printf $quantile "0.5" "reached" $of) "name" "reached, median")
    (dict "expr" (printf $quantile "0.99" "reached" $of) "name" "reached, 99%")))
  (dict "title" "Operator: retries and restarted watches" "type" "timeseries" "unit" "ops" "series" (list
    (dict "expr" (printf "sum(rate(task_gateway_operator_retries_total%s[5m]))" $of) "name" "retries")
    (dict "expr" (printf "sum(rate(task_gateway_operator_watch_restarts_total%s[5m]))" $of) "name" "watch restarts")))
  (dict "title" "Operator: leaders" "type" "timeseries" "unit" "none" "series" (list
    (dict "expr" (printf "sum(task_gateway_operator_leader%s)" $of) "name" "leaders")))
}}
{{- with include "task-gateway.lane" . | fromJson }}
{{- $series := list
  (dict "expr" (printf "max(task_gateway_operator_determined_exposed%s)" $of) "name" "ports that lead to a task")
  (dict "expr" (printf "max(task_gateway_operator_determined_missing%s)" $of) "name" "ports that do not yet")
}}
{{- if .gate }}
{{- $series = append $series (dict "expr" (printf "max(task_gateway_operator_determined_held_pods%s)" $of) "name" "pods that wait for routes") }}
{{- end }}
{{- $panels = append $panels (dict "title" "Determined master" "type" "timeseries" "unit" "none" "series" $series) }}
{{- end }}
{{- end }}
{{ toJson $panels }}
{{- end }}
