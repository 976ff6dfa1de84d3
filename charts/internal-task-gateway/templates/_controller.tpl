{{- /*
What the chart knows of each controller, as one dictionary in JSON; other templates ask it and compare no name. A further
controller is one definition here, named task-gateway.controller.NAME, its name in the list below, and its own folder of templates.

  title            how messages call it
  class            the controllerName of its GatewayClasses
  slotsParent      kind of object that holds the slot listeners by default: ListenerSet or Gateway
  listenerSets     whether it serves ListenerSets
  oneGateway       whether an installation serves only the Gateway that its configuration names
  byDefault        whether controller.install=true installs it; `controller: NAME` installs another one
  fromGateway      whether it creates the proxy from the Gateway, with the labels and addresses of the Gateway
  parameters       group and kind of the object that the class refers to, which this chart creates for it
  reserved         first and last port that no listener can have
  sharesPorts      whether two listeners can be one port in the proxy's pod
  gatewayFirst     whether the Gateway has to be deleted while the controller runs
  envoySelector    labels of the proxy's pods: set by the controller, which identifies them by these only
  selector         labels of the controller's own pods
  xdsPeers         labels of the pods that fetch their configuration from it
  ports            ports of the proxy's pod and of the controller that serve no task; first to last are the proxy's
  statusesPerSecond  how many statuses of routes it writes per second after an installation; 0: all at once
  remains          names, by kind, of what it creates for itself and Helm does not know: certificates, and the lease of its leader
*/ -}}
{{- /* The name of the controller: `controller: NAME`, or controller.name. */ -}}
{{- define "task-gateway.controllerKey" -}}
{{ kindIs "string" .Values.controller | ternary .Values.controller (get (kindIs "map" .Values.controller | ternary .Values.controller dict) "name") }}
{{- end }}

{{- /* `true` if this release installs the controller; empty otherwise. */ -}}
{{- define "task-gateway.installs" -}}
{{- if kindIs "string" .Values.controller }}true{{ else if .Values.controller.install }}true{{ end -}}
{{- end }}

{{- define "task-gateway.controller" -}}
{{- $known := list "envoy-gateway" "contour" -}}
{{- $name := include "task-gateway.controllerKey" . -}}
{{- $found := has $name $known | ternary (include (printf "task-gateway.controller.%s" $name) . | fromYaml) dict -}}
{{- $class := .Values.gatewayClass.controllerName -}}
{{- /* A class of another domain, where this release installs no controller, is that of one that the chart does not know. */ -}}
{{- if and $class (not (include "task-gateway.installs" .)) (ne (splitList "/" $class | first) (splitList "/" $found.class | first)) -}}
{{- $found = include "task-gateway.controller.unknown" . | fromYaml -}}
{{- end -}}
{{ toJson $found }}
{{- end }}

{{- define "task-gateway.controller.envoy-gateway" -}}
title: Envoy Gateway
class: gateway.envoyproxy.io/gatewayclass-controller
slotsParent: ListenerSet
listenerSets: true
oneGateway: false
byDefault: true
fromGateway: true
parameters: { group: gateway.envoyproxy.io, kind: EnvoyProxy }
reserved: { first: 19000, last: 19003 }
sharesPorts: false
gatewayFirst: true
envoySelector:
  gateway.envoyproxy.io/owning-gateway-name: {{ include "task-gateway.gateway" . }}
  gateway.envoyproxy.io/owning-gateway-namespace: {{ .Release.Namespace }}
selector:
  control-plane: envoy-gateway
  app.kubernetes.io/instance: {{ .Release.Name | quote }}
# Every proxy of this controller, also those of other releases' Gateways; they show a certificate.
xdsPeers:
  app.kubernetes.io/managed-by: envoy-gateway
  app.kubernetes.io/component: proxy
ports: { first: 19000, last: 19003, metrics: 19001, xds: 18000, controllerMetrics: 19001 }
statusesPerSecond: 0
remains:
  secrets: [envoy, envoy-gateway, envoy-oidc-hmac, envoy-rate-limit]
  leases: [5b9825d2.gateway.envoyproxy.io]
{{- end }}

{{- define "task-gateway.controller.contour" -}}
{{- $envoy := include "task-gateway.contour.selector" (dict "name" (include "task-gateway.contour.envoy" .) "context" .) -}}
title: Contour
class: projectcontour.io/gateway-controller
slotsParent: Gateway
listenerSets: false
oneGateway: true
byDefault: false
fromGateway: false
sharesPorts: true
gatewayFirst: false
envoySelector:
  {{- $envoy | nindent 2 }}
selector:
  {{- include "task-gateway.contour.selector" (dict "name" (include "task-gateway.contour.name" .) "context" .) | nindent 2 }}
xdsPeers:
  {{- $envoy | nindent 2 }}
ports: { first: 8002, last: 8002, metrics: 8002, xds: 8001, controllerMetrics: 8000 }
# Without the sub-chart, as client-go limits a Contour that has no limit of its own.
statusesPerSecond: {{ int64 (.Values.contour.clientQPS | default 5) }}
remains:
  secrets: {{ include "task-gateway.contour.secrets" . }}
  leases: [{{ include "task-gateway.contour.name" . }}]
{{- end }}

{{- /* One that implements Gateway API, and that this release does not install; GEP-1762 has the label. */ -}}
{{- define "task-gateway.controller.unknown" -}}
title: the controller
class: {{ .Values.gatewayClass.controllerName }}
slotsParent: ListenerSet
listenerSets: true
oneGateway: false
byDefault: false
fromGateway: true
sharesPorts: false
gatewayFirst: false
envoySelector:
  gateway.networking.k8s.io/gateway-name: {{ include "task-gateway.gateway" . }}
ports: { metrics: 19001 }
statusesPerSecond: 0
{{- end }}
