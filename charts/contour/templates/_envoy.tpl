{{- define "contour.envoy" -}}
{{- $name := .envoy.name }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  namespace: {{ .namespace }}
  labels:
    {{- toYaml .labels | nindent 4 }}
    app.kubernetes.io/component: envoy
    gateway.networking.k8s.io/gateway-name: {{ .gateway }}
spec:
  {{- if not .envoy.autoscaling }}
  replicas: {{ int64 .envoy.values.replicas }}
  {{- end }}
  selector:
    matchLabels:
      {{- toYaml .envoy.selector | nindent 6 }}
  template:
    metadata:
      labels:
        {{- toYaml .envoy.selector | nindent 8 }}
        gateway.networking.k8s.io/gateway-name: {{ .gateway }}
        {{- with .envoy.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with .envoy.values.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      automountServiceAccountToken: false
      # Envoy itself ends at once, so that what is open lives as long as the hook before.
      terminationGracePeriodSeconds: {{ add .envoy.values.drainSeconds 30 }}
      {{- with .envoy.placement }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
      securityContext:
        {{- toYaml .podSecurity | nindent 8 }}
      initContainers:
        - name: bootstrap
          image: {{ .contour.image }}
          imagePullPolicy: IfNotPresent
          command: [contour, bootstrap, /config/envoy.json]
          args:
            - --xds-address={{ .contour.name }}
            - --xds-port=8001
            - --resources-dir=/config/resources
            - --envoy-cafile=/certs/ca.crt
            - --envoy-cert-file=/certs/tls.crt
            - --envoy-key-file=/certs/tls.key
            - --namespace={{ .namespace }}
          resources:
            {{- toYaml .hooks.resources | nindent 12 }}
          securityContext:
            {{- toYaml .containerSecurity | nindent 12 }}
          volumeMounts:
            - name: config
              mountPath: /config
            - name: certs
              mountPath: /certs
              readOnly: true
      containers:
        - name: envoy
          image: {{ .envoy.image }}
          imagePullPolicy: IfNotPresent
          args:
            - --config-path
            - /config/envoy.json
            - --service-cluster
            - {{ .namespace }}
            - --service-node
            - $(POD_NAME)
            - --log-level
            - warn
          env:
            - name: POD_NAME
              valueFrom:
                fieldRef:
                  fieldPath: metadata.name
          ports:
            - name: metrics
              containerPort: 8002
          readinessProbe:
            httpGet:
              path: /ready
              port: metrics
            periodSeconds: 3
          # New connections go on arriving until every node knows that this pod ends.
          lifecycle:
            preStop:
              sleep:
                seconds: {{ int64 .envoy.values.drainSeconds }}
          {{- with .envoy.values.resources }}
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
            - name: admin
              mountPath: /admin
      volumes:
        - name: config
          emptyDir: {}
        - name: admin
          emptyDir: {}
        - name: certs
          secret:
            secretName: {{ .envoy.secret }}
{{- end }}
