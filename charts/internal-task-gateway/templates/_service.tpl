{{- /* The spec of Envoy's Service, as far as it does not depend on the controller. */ -}}
{{- define "task-gateway.envoyService" -}}
type: {{ .Values.service.type }}
{{- with .Values.service.ipFamily }}
{{- if not (include "task-gateway.controller" $ | fromJson).fromGateway }}
ipFamilyPolicy: {{ eq . "DualStack" | ternary "RequireDualStack" "SingleStack" }}
ipFamilies: {{ eq . "DualStack" | ternary (list "IPv4" "IPv6") (list .) | toJson }}
{{- end }}
{{- end }}
{{- if eq .Values.service.type "LoadBalancer" }}
externalTrafficPolicy: {{ .Values.service.externalTrafficPolicy }}
allocateLoadBalancerNodePorts: {{ .Values.service.allocateLoadBalancerNodePorts }}
{{- with .Values.service.loadBalancerClass }}
loadBalancerClass: {{ . }}
{{- end }}
{{- with .Values.service.loadBalancerSourceRanges }}
loadBalancerSourceRanges:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}
