{{- /*
Gateway API's policy that keeps older releases, and the other channel, from being written over its CRDs. Envoy Gateway's
chart brings it too: one that is there already stays as it is.
*/ -}}
{{- define "contour.safe-upgrades" -}}
{{- $there := lookup "admissionregistration.k8s.io/v1" "ValidatingAdmissionPolicy" "" "safe-upgrades.gateway.networking.k8s.io" }}
{{- $notes := dig "metadata" "annotations" (dict) $there }}
{{- $release := index $notes "meta.helm.sh/release-name" | default "" }}
{{- $namespace := index $notes "meta.helm.sh/release-namespace" | default "" }}
{{- if or (not $there) (and (eq $release .release) (eq $namespace .namespace)) }}
{{- with index .subCharts "contour-crds" }}
{{- .Files.Get "safe_upgrades.yaml" }}
{{- end }}
{{- end }}
{{- end }}
