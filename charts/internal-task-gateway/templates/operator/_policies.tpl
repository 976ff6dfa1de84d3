{{- /*
What the policies of the operator share. Two virtual verbs on a virtual resource say who is who, as `sign` on `signers` does in
Kubernetes. Only the Roles of this chart grant them; no built-in role but cluster-admin includes them.

  claim   slots.task-gateway.dev, per task namespace: may give a port to a pod. The operator and rbac.subjects have it.
  report  slots.task-gateway.dev, per task namespace: may write the result of a claim to a pod. Only the operator has it.
*/ -}}

{{- define "task-gateway.policy.namespaces" -}}
namespaceSelector:
  matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: In
      values: {{ include "task-gateway.taskNamespaces" . }}
{{- end }}

{{- /* `claim` or `report`: a variable of a policy, whether the user who makes the request has that right */ -}}
{{- define "task-gateway.policy.right" -}}
- name: {{ . }}s
  expression: >-
    authorizer.group('task-gateway.dev').resource('slots').namespace(request.namespace).check('{{ . }}').allowed()
{{- end }}

{{- /*
A variable of a policy: whether the request comes from a controller of Kubernetes that copies the template of a workload to its
pods. The policy for templates has checked the template. kube-controller-manager uses one identity for all of them, or a
ServiceAccount for each.
*/ -}}
{{- define "task-gateway.policy.copies" -}}
{{- $users := list "system:kube-controller-manager" }}
{{- range list "cronjob" "daemon-set" "deployment" "job" "replicaset" "replication" "statefulset" }}
{{- $users = append $users (printf "system:serviceaccount:kube-system:%s-controller" .) }}
{{- end -}}
- name: copies
  expression: request.userInfo.username in {{ $users | toJson | replace "\"" "'" }}
{{- end }}

{{- /*
{metadata, before, context}: two variables of CEL with metadata. Whether a label that a slot selects pods by is new or has another
value, and the same for the annotations with a result. A removal is no claim: the user who removes them could delete the pod as well.
*/ -}}
{{- define "task-gateway.policy.written" -}}
{{- $written := "%s.all(key, %s.?%s[?key] == optional.none() || %s.?%s[?key] == %s.?%s[?key])" -}}
{{- $labels := "['task-gateway.dev/task']" -}}
{{- with include "task-gateway.lane" .context | fromJson -}}
{{- $labels = printf "(request.namespace == '%s' ? ['task-gateway.dev/task', 'determined'] : %s)" .namespace $labels -}}
{{- end -}}
- name: keepsTask
  expression: {{ printf $written $labels .metadata "labels" .metadata "labels" .before "labels" | quote }}
- name: keepsResult
  expression: {{ printf $written "['task-gateway.dev/address', 'task-gateway.dev/addresses']" .metadata "annotations" .metadata "annotations" .before "annotations" | quote }}
{{- end }}

{{- /* The two rules about metadata, for pods and for templates of pods. */ -}}
{{- define "task-gateway.policy.metadataRules" -}}
- expression: variables.keepsTask || variables.copies || variables.claims
  reason: Forbidden
  message: >-
    {{- if include "task-gateway.lane" . | fromJson }}
    the labels task-gateway.dev/task and determined lead ports of Gateway {{ include "task-gateway.gateway" . }} to a pod: only the
    operator and the subjects of rbac.subjects and operator.determined.subjects can set them. To expose a pod, set its label
    task-gateway.dev/expose to the port
    {{- else }}
    the label task-gateway.dev/task leads a port of Gateway {{ include "task-gateway.gateway" . }} to a pod: only the operator and
    the subjects of rbac.subjects can set it. To expose a pod, set its label task-gateway.dev/expose to the port
    {{- end }}
- expression: variables.keepsResult || variables.reports
  reason: Forbidden
  message: >-
    the annotations task-gateway.dev/address and task-gateway.dev/addresses are the result of the operator of Gateway
    {{ include "task-gateway.gateway" . }}: nobody else can set them. Remove them from the manifest
{{- end }}

{{- /* {name, context}: makes a policy take effect */ -}}
{{- define "task-gateway.policy.binding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ .name }}
  labels:
    {{- include "task-gateway.labels" .context | nindent 4 }}
    app.kubernetes.io/component: operator
spec:
  policyName: {{ .name }}
  validationActions: [Deny]
{{- end }}
