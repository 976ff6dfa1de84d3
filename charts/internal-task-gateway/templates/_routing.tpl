{{/*
What makes a task reachable, for the slots and for the task routing templates alike. The context is one dict:

  chart, release, managedBy   for labels
  labels                      commonLabels
  routeVersion                of TCPRoute: the newest that the cluster serves
  gateway, gatewayNamespace   the Gateway
  namespace                   where the route, the Service and the task's pods are
  use                         "slot": made now, taken later; "static": made now for the pods of a selector;
                              "lane": made now, follows the routes of a Determined master; "task": made for one task
  selector, targetPort, n     of a static slot: labels of its pods, in which {n} stands for its number in the group, and their port
  strategy                    of a task's objects: who made them
  port                        a number, or "${PORT}" in a template
  tlsSecret                   with the certificate of the port; empty: what comes is passed on as it is
*/}}

{{- define "task-gateway.context" -}}
chart: {{ .Chart.Name }}
release: {{ .Release.Name }}
managedBy: {{ .Release.Service }}
labels: {{ .Values.commonLabels | default dict | toJson }}
{{- $served := .Capabilities.APIVersions }}
{{- $old := and ($served.Has "gateway.networking.k8s.io/v1alpha2/TCPRoute") (not ($served.Has "gateway.networking.k8s.io/v1/TCPRoute")) }}
routeVersion: {{ $old | ternary "v1alpha2" "v1" }}
gateway: {{ include "task-gateway.gateway" . }}
gatewayNamespace: {{ .Release.Namespace }}
tlsSecret: {{ include "task-gateway.tlsSecret" . | quote }}
use: slot
{{- end }}

{{- define "task-gateway.metadata" -}}
name: {{ include "task-gateway.portName" . }}
namespace: {{ .namespace }}
labels:
  {{- include "task-gateway.portLabels" . | nindent 2 }}
  {{- if eq .use "slot" }}
  task-gateway.dev/slot: "{{ .port }}"
  {{- else if eq .use "static" }}
  task-gateway.dev/static: "{{ .port }}"
  {{- else if eq .use "lane" }}
  task-gateway.dev/lane: "{{ .port }}"
  {{- else }}
  {{- include "task-gateway.taskLabels" . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "task-gateway.taskLabels" -}}
task-gateway.dev/task: "${TASK}"
task-gateway.dev/strategy: {{ .strategy }}
{{- end }}

{{- define "task-gateway.listener" -}}
- name: {{ .use }}-{{ .port }}
  port: {{ .port }}
  protocol: {{ empty .tlsSecret | ternary "TCP" "TLS" }}
  {{- with .tlsSecret }}
  tls:
    mode: Terminate
    certificateRefs:
      - group: ""
        kind: Secret
        namespace: {{ $.gatewayNamespace }}
        name: {{ . }}
  {{- end }}
  allowedRoutes:
    kinds:
      - group: gateway.networking.k8s.io
        kind: TCPRoute
    namespaces:
      from: Selector
      selector:
        matchLabels:
          kubernetes.io/metadata.name: {{ .namespace }}
{{- end }}

{{- /* A Gateway needs a listener of its own. It never goes, so that the last one of a task can. */ -}}
{{- define "task-gateway.placeholder" -}}
- name: placeholder
  port: {{ int64 .Values.gateway.placeholderPort }}
  protocol: TCP
  allowedRoutes:
    kinds:
      - group: gateway.networking.k8s.io
        kind: TCPRoute
    namespaces:
      from: Same
{{- end }}

{{- /* The part of the Gateway that one port adds to it. */ -}}
{{- define "task-gateway.gatewayOf" -}}
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: {{ .gateway }}
  namespace: {{ .gatewayNamespace }}
spec:
  listeners:
    {{- include "task-gateway.listener" . | nindent 4 }}
{{- end }}

{{- /* plus name, and ports: of its listeners */ -}}
{{- define "task-gateway.listenerSet" -}}
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata:
  name: {{ .name }}
  namespace: {{ .gatewayNamespace }}
  labels:
    {{- include "task-gateway.portLabels" . | nindent 4 }}
spec:
  parentRef:
    group: gateway.networking.k8s.io
    kind: Gateway
    namespace: {{ .gatewayNamespace }}
    name: {{ .gateway }}
  listeners:
    {{- range .ports }}
    {{- include "task-gateway.listener" (merge (dict "port" .) $) | nindent 4 }}
    {{- end }}
{{- end }}

{{- /* plus parentKind and parent: what has the listener */ -}}
{{- define "task-gateway.route" -}}
apiVersion: gateway.networking.k8s.io/{{ .routeVersion }}
kind: TCPRoute
metadata:
  {{- include "task-gateway.metadata" . | nindent 2 }}
spec:
  parentRefs:
    - group: gateway.networking.k8s.io
      kind: {{ .parentKind }}
      namespace: {{ .gatewayNamespace }}
      name: {{ .parent }}
      sectionName: {{ .use }}-{{ .port }}
  rules:
    - backendRefs:
        - name: {{ include "task-gateway.portName" . }}
          port: {{ .port }}
{{- end }}

{{- /*
A slot's selector, target port and annotations are written by who claims it, hence never here. A static slot has them here, and
has neither the label nor the listener name of a slot: nothing can claim it, and its port is one of somebody else to all that do. The same
holds for a slot of the lane, which only the operator writes. Envoy reads endpoints, so
that no Service needs an address of its own, nor kube-proxy to look at all its rules with each claim; that of strategy
listeners has one, as the Service that a Determined master makes.
*/ -}}
{{- define "task-gateway.service" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "task-gateway.metadata" . | nindent 2 }}
  {{- if eq .use "task" }}
  annotations:
    task-gateway.dev/claimed-by: "${TASK}"
    task-gateway.dev/owner: "${OWNER}"
    task-gateway.dev/object: "${OBJECT}"
  {{- end }}
spec:
  type: ClusterIP
  {{- if ne (default "" .strategy) "listeners" }}
  clusterIP: None
  # Without a selector both families would be demanded, also where the cluster has one.
  ipFamilyPolicy: SingleStack
  {{- end }}
  {{- if eq .use "task" }}
  selector:
    task-gateway.dev/task: "${TASK}"
  {{- else if eq .use "static" }}
  selector:
    {{- range $key, $value := .selector }}
    {{ $key }}: {{ $value | replace "{n}" (toString $.n) | quote }}
    {{- end }}
  {{- end }}
  ports:
    - port: {{ .port }}
      protocol: TCP
      {{- if eq .use "task" }}
      targetPort: ${TARGET_PORT}
      {{- else if eq .use "static" }}
      targetPort: {{ int64 .targetPort }}
      {{- end }}
{{- end }}
