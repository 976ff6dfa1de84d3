{{- /*
Contour and Envoy know each other by certificates that a Job makes before both are there; those that there are stay.
*/ -}}
{{- define "contour.certificates" -}}
{{- $name := .certificates }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $name }}
  namespace: {{ .namespace }}
  labels:
    {{- toYaml .labels | nindent 4 }}
    app.kubernetes.io/component: hook
  annotations:
    {{- toYaml .hooks.first | nindent 4 }}
automountServiceAccountToken: false
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ $name }}
  namespace: {{ .namespace }}
  labels:
    {{- toYaml .labels | nindent 4 }}
    app.kubernetes.io/component: hook
  annotations:
    {{- toYaml .hooks.first | nindent 4 }}
rules:
  - apiGroups: [""]
    resources: [secrets]
    verbs: [create]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ $name }}
  namespace: {{ .namespace }}
  labels:
    {{- toYaml .labels | nindent 4 }}
    app.kubernetes.io/component: hook
  annotations:
    {{- toYaml .hooks.first | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ $name }}
    namespace: {{ .namespace }}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ $name }}
  namespace: {{ .namespace }}
  labels:
    {{- toYaml .labels | nindent 4 }}
    app.kubernetes.io/component: hook
  annotations:
    {{- toYaml .hooks.second | nindent 4 }}
spec:
  # Five attempts within 150 s, because pods on a new node may not reach the API server yet. With more attempts Helm,
  # which waits for 300 s by default, would time out and not show why the Job failed.
  backoffLimit: 4
  template:
    metadata:
      labels:
        {{- toYaml .labels | nindent 8 }}
        app.kubernetes.io/component: hook
    spec:
      serviceAccountName: {{ $name }}
      automountServiceAccountToken: true
      restartPolicy: Never
      {{- with .hooks.placement }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
      securityContext:
        {{- toYaml .podSecurity | nindent 8 }}
      containers:
        - name: certgen
          image: {{ .contour.image }}
          imagePullPolicy: IfNotPresent
          command: [contour, certgen]
          args:
            - --kube
            - --incluster
            - --secrets-format=compact
            - --secrets-name-suffix=-{{ $name }}
            - --certificate-lifetime=3650
            - --namespace={{ .namespace }}
          resources:
            {{- toYaml .hooks.resources | nindent 12 }}
          securityContext:
            {{- toYaml .containerSecurity | nindent 12 }}
{{- end }}
