{{- /*
Seconds as Envoy Gateway's kinds take a duration: 90061 is 25h1m1s. A number has at most five digits there, and a values
file makes floats of integers.
*/ -}}
{{- define "task-gateway.duration" -}}
{{- $seconds := int64 . -}}
{{- $parts := list (printf "%dh" (div $seconds 3600)) (printf "%dm" (mod (div $seconds 60) 60)) (printf "%ds" (mod $seconds 60)) -}}
{{ without $parts "0h" "0m" "0s" | join "" | default "0s" }}
{{- end }}
