{{- /* {gateway, namespaces, value, context}: a policy that only takes TCPRoutes of those namespaces for a Gateway */ -}}
{{- define "task-gateway.routePolicy.objects" -}}
{{- $name := include "task-gateway.routePolicy" (dict "gateway" .gateway "context" .context) -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: {{ $name }}
  labels:
    {{- include "task-gateway.labels" .context | nindent 4 }}
    app.kubernetes.io/component: policy
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
      - apiGroups: [gateway.networking.k8s.io]
        apiVersions: ["*"]
        operations: [CREATE, UPDATE]
        resources: [tcproutes]
  matchConditions:
    - name: namespace-of-no-task
      expression: "!(request.namespace in {{ .namespaces | toJson | replace "\"" "'" }})"
  validations:
    - expression: >-
        !object.spec.?parentRefs.orValue([]).exists(p, p.name == '{{ .gateway }}' &&
        p[?'namespace'].orValue(request.namespace) == '{{ .context.Release.Namespace }}')
      reason: Forbidden
      message: Gateway {{ .context.Release.Namespace }}/{{ .gateway }} takes TCPRoutes from {{ .namespaces | join ", " }} only; {{ eq .value "slots" | ternary "add a namespace with the value slots" (printf "change the namespace with the value %s" .value) }}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ $name }}
  labels:
    {{- include "task-gateway.labels" .context | nindent 4 }}
    app.kubernetes.io/component: policy
spec:
  policyName: {{ $name }}
  validationActions: [Deny]
{{- end }}
