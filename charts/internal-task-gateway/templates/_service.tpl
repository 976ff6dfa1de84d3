{{- /* The spec of Envoy's Service, as far as it does not depend on the controller. */ -}}
{{- define "task-gateway.envoyService" -}}
type: {{ .Values.envoy.service.type }}
{{- with .Values.envoy.service.ipFamily }}
{{- if not (include "task-gateway.controller" $ | fromJson).fromGateway }}
ipFamilyPolicy: {{ eq . "DualStack" | ternary "RequireDualStack" "SingleStack" }}
ipFamilies: {{ eq . "DualStack" | ternary (list "IPv4" "IPv6") (list .) | toJson }}
{{- end }}
{{- end }}
{{- if eq .Values.envoy.service.type "LoadBalancer" }}
externalTrafficPolicy: {{ .Values.envoy.service.externalTrafficPolicy }}
allocateLoadBalancerNodePorts: {{ .Values.envoy.service.allocateLoadBalancerNodePorts }}
{{- with .Values.envoy.service.loadBalancerClass }}
loadBalancerClass: {{ . }}
{{- end }}
{{- with .Values.envoy.service.loadBalancerSourceRanges }}
loadBalancerSourceRanges:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}
