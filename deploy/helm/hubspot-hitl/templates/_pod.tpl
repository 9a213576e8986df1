{{- define "hubspot-hitl.labels" -}}
app.kubernetes.io/name: hubspot-hitl
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "hubspot-hitl.selector" -}}
app.kubernetes.io/name: hubspot-hitl
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "hubspot-hitl.name" -}}
{{- printf "%s-hubspot-hitl" .Release.Name | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "hubspot-hitl.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "hubspot-hitl.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "hubspot-hitl.security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: ["ALL"]
{{- end }}

{{- define "hubspot-hitl.environment" -}}
- name: HITL_PORT
  value: "8080"
- name: HITL_LOG_FORMAT
  value: json
- name: HITL_DATA_DIR
  value: /data
- name: HITL_PUBLIC_URL
  value: {{ .Values.publicUrl | quote }}
- name: HITL_TRUSTED_PROXIES
  value: {{ join "," .Values.trustedProxies | quote }}
{{- range $name, $value := .Values.settings }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- range $key, $variable := .Values.secretFiles }}
- name: {{ $variable }}
  value: /run/secrets/hubspot-hitl/{{ $key }}
{{- end }}
{{- end }}

{{- define "hubspot-hitl.mounts" -}}
- name: secrets
  mountPath: /run/secrets/hubspot-hitl
  readOnly: true
- name: data
  mountPath: /data
- name: tmp
  mountPath: /tmp
{{- end }}

{{- define "hubspot-hitl.volumes" -}}
- name: secrets
  secret:
    secretName: {{ .Values.existingSecret }}
    defaultMode: 0440
- name: data
  emptyDir: {}
- name: tmp
  emptyDir: {}
{{- end }}
