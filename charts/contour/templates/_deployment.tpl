{{- define "contour.deployment" -}}
{{- $name := .contour.name }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  namespace: {{ .namespace }}
  labels:
    {{- toYaml .labels | nindent 4 }}
    app.kubernetes.io/component: contour
    # As Contour's own manifests have it, so that it is found by the same label; its pods have it too.
    app: contour
spec:
  replicas: {{ int64 .contour.values.replicas }}
  selector:
    matchLabels:
      {{- toYaml .contour.selector | nindent 6 }}
  template:
    metadata:
      labels:
        {{- toYaml .contour.selector | nindent 8 }}
        app: contour
        {{- with .contour.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        {{- with .contour.values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        # It reads its configuration when it starts.
        checksum/config: {{ include "contour.configmap" . | sha256sum }}
    spec:
      serviceAccountName: {{ $name }}
      automountServiceAccountToken: true
      {{- with .contour.placement }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
      securityContext:
        {{- toYaml .podSecurity | nindent 8 }}
      containers:
        - name: contour
          image: {{ .contour.image }}
          imagePullPolicy: IfNotPresent
          command: [contour, serve]
          args:
            - --incluster
            - --config-path=/config/contour.yaml
            - {{ printf "--xds-address=%s" (eq .ipFamily "IPv6" | ternary "::" "0.0.0.0") | quote }}
            - --xds-port=8001
            - --contour-cafile=/certs/ca.crt
            - --contour-cert-file=/certs/tls.crt
            - --contour-key-file=/certs/tls.key
            - --watch-namespaces={{ .namespaces | join "," }}
            - --leader-election-resource-name={{ $name }}
            - --leader-election-resource-namespace={{ .namespace }}
            - --kubernetes-client-qps={{ int64 .contour.values.clientQPS }}
            - --kubernetes-client-burst={{ int64 .contour.values.clientQPS }}
            {{- range list "extensionservices" "tlsroutes" "grpcroutes" "backendtlspolicies" }}
            - --disable-feature={{ . }}
            {{- end }}
            {{- if has .ipFamily (list "IPv6" "DualStack") }}
            # Envoy's listeners: on Linux this address takes IPv4 connections as well.
            - "--envoy-service-http-address=::"
            {{- end }}
            {{- with .address }}
            - --ingress-status-address={{ . }}
            {{- else }}
            - --envoy-service-namespace={{ .namespace }}
            - --envoy-service-name={{ .envoy.name }}
            {{- end }}
          env:
            {{- with .contour.values.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
            - name: CONTOUR_NAMESPACE
              value: {{ .namespace }}
            - name: POD_NAME
              valueFrom:
                fieldRef:
                  fieldPath: metadata.name
          ports:
            - name: xds
              containerPort: 8001
            - name: metrics
              containerPort: 8000
          readinessProbe:
            tcpSocket:
              port: xds
            periodSeconds: 5
          livenessProbe:
            httpGet:
              path: /healthz
              port: metrics
          {{- with .contour.values.resources }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          securityContext:
            {{- toYaml .containerSecurity | nindent 12 }}
          volumeMounts:
            - name: config
              mountPath: /config
              readOnly: true
            - name: certs
              mountPath: /certs
              readOnly: true
      volumes:
        - name: config
          configMap:
            name: {{ $name }}
        - name: certs
          secret:
            secretName: {{ .contour.secret }}
{{- end }}
