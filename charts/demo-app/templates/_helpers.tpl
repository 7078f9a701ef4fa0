{{- define "demo-app.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /* 46 characters leave room for the longest suffix, -health-check-xxx, in 63. */ -}}
{{- define "demo-app.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 46 | trimSuffix "-" -}}
{{- else if contains (include "demo-app.name" .) .Release.Name -}}
{{- .Release.Name | trunc 46 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "demo-app.name" .) | trunc 46 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "demo-app.selector" -}}
app.kubernetes.io/name: {{ include "demo-app.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "demo-app.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "demo-app.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- /* The service's pods, and no others: the migration and the test have the name and the instance as well. */ -}}
{{- define "demo-app.podSelector" -}}
{{ include "demo-app.selector" . }}
app.kubernetes.io/component: service
{{- end -}}

{{- define "demo-app.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository (default .Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "demo-app.serviceAccount" -}}
{{- default (ternary (include "demo-app.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "demo-app.migratorAccount" -}}
{{- $own := .Values.migration.serviceAccount -}}
{{- default (ternary (printf "%s-migrator" (include "demo-app.fullname" .)) "default" $own.create) $own.name -}}
{{- end -}}

{{- define "demo-app.migrates" -}}
{{- if and .Values.migration.enabled (ne .Values.database.mode "sqlite") }}true{{ end -}}
{{- end -}}

{{- define "demo-app.fixedReplicas" -}}
{{- if kindIs "invalid" .Values.replicas -}}
{{- ternary 1 2 (eq .Values.database.mode "sqlite") -}}
{{- else -}}
{{- int .Values.replicas -}}
{{- end -}}
{{- end -}}

{{- define "demo-app.minReplicas" -}}
{{- if eq .Values.autoscaling.by "none" }}{{ include "demo-app.fixedReplicas" . }}{{ else }}{{ int .Values.autoscaling.minReplicas }}{{ end -}}
{{- end -}}

{{- define "demo-app.maxReplicas" -}}
{{- if eq .Values.autoscaling.by "none" }}{{ include "demo-app.fixedReplicas" . }}{{ else }}{{ int .Values.autoscaling.maxReplicas }}{{ end -}}
{{- end -}}

{{- define "demo-app.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "demo-app.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "demo-app.pullSecrets" -}}
{{- with .Values.imagePullSecrets -}}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end -}}
{{- end -}}

{{- /* One URL says how to connect. A user such as demo-app@project.iam has its @ encoded. */ -}}
{{- define "demo-app.databaseUrl" -}}
{{- $database := .root.Values.database -}}
{{- $user := .user | urlquery | replace "+" "%20" -}}
{{- if eq $database.mode "sqlite" -}}
sqlite:///var/lib/demo-app/visits.sqlite
{{- else if eq $database.mode "password" -}}
{{- printf "postgres://%s@%s:%d/%s" $user $database.host (int $database.port) $database.name -}}
{{- else if eq $database.mode "iam" -}}
{{- printf "postgres+iam://%s@%s:%d/%s" $user $database.host (int $database.port) $database.name -}}
{{- else -}}
{{- printf "cloudsql://%s@%s/%s?ip=%s" $user $database.instance $database.name $database.ipType -}}
{{- end -}}
{{- end -}}

{{- define "demo-app.databaseEnv" -}}
{{- $database := .root.Values.database -}}
- name: DATABASE_URL
  value: {{ include "demo-app.databaseUrl" . | quote }}
- name: DATABASE_MAX_CONNECTIONS
  value: {{ .connections | quote }}
{{- if and $database.serverCa (has $database.mode (list "iam" "password")) }}
- name: DATABASE_CA
  value: {{ $database.serverCa | quote }}
{{- end }}
{{- if and $database.serverName (has $database.mode (list "iam" "password")) }}
- name: DATABASE_SERVER_NAME
  value: {{ $database.serverName | quote }}
{{- end }}
{{- if eq $database.mode "password" }}
- name: DATABASE_PASSWORD_FILE
  value: /etc/demo-app/database/password
{{- end }}
{{- end -}}

{{- /* The Secret with the token of the admin port. Empty when there is none. */ -}}
{{- define "demo-app.adminSecret" -}}
{{- if .Values.adminToken.create -}}
{{- printf "%s-admin" (include "demo-app.fullname" .) -}}
{{- else -}}
{{- .Values.adminToken.secretName -}}
{{- end -}}
{{- end -}}

{{- define "demo-app.passwordVolume" -}}
- name: database-password
  secret:
    secretName: {{ .Values.database.passwordSecret.name }}
    {{- /* 0440, in decimal: what begins with 0 is octal to some readers of YAML and text to others. */}}
    defaultMode: 288
    items:
      - key: {{ .Values.database.passwordSecret.key }}
        path: password
{{- end -}}

{{- define "demo-app.passwordMount" -}}
- name: database-password
  mountPath: /etc/demo-app/database
  readOnly: true
{{- end -}}

{{- /* Who the pod is, for the resource of traces and logs. */ -}}
{{- define "demo-app.identityEnv" -}}
- name: OTEL_SERVICE_NAME
  value: demo-app
{{- range $name, $path := dict "POD_NAME" "metadata.name" "POD_NAMESPACE" "metadata.namespace" "POD_UID" "metadata.uid" "NODE_NAME" "spec.nodeName" }}
- name: {{ $name }}
  valueFrom:
    fieldRef:
      apiVersion: v1
      fieldPath: {{ $path }}
{{- end }}
- name: CONTAINER_NAME
  value: demo-app
- name: DEPLOYMENT_NAME
  value: {{ include "demo-app.fullname" . }}
{{- with .Values.tracing.clusterName }}
- name: CLUSTER_NAME
  value: {{ . | quote }}
{{- end }}
{{- end -}}

{{- define "demo-app.telemetryEnv" -}}
{{- $metrics := eq .Values.monitoring.flavor "otlp" -}}
- name: OTEL_TRACES_EXPORTER
  value: {{ ternary "otlp" "none" .Values.tracing.enabled }}
- name: OTEL_METRICS_EXPORTER
  value: {{ ternary "otlp" "none" $metrics }}
- name: OTEL_LOGS_EXPORTER
  value: none
{{- if or .Values.tracing.enabled $metrics }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ .Values.tracing.endpoint | quote }}
- name: OTEL_EXPORTER_OTLP_PROTOCOL
  value: {{ .Values.tracing.protocol }}
{{- end }}
{{- if .Values.tracing.enabled }}
- name: OTEL_TRACES_SAMPLER
  value: parentbased_traceidratio
- name: OTEL_TRACES_SAMPLER_ARG
  value: {{ .Values.tracing.ratio | quote }}
{{- end }}
{{- end -}}

{{- /* The generated files were made for a namespace of this name. */ -}}
{{- define "demo-app.generated" -}}
{{- $monitoring := .root.Values.monitoring -}}
{{- $text := .root.Files.Get .path | replace "https://github.com/sre-kit/sre-kit/blob/main/charts/demo-app/files/runbooks" (trimSuffix "/" $monitoring.runbooks) -}}
{{- if $monitoring.grafana -}}
{{- $text = replace "https://grafana.invalid" (trimSuffix "/" $monitoring.grafana) $text -}}
{{- else -}}
{{- $text = regexReplaceAll "(?m)^ *dashboard_url: .*\n" $text "" -}}
{{- end -}}
{{- /* Grafana takes 40 characters. */ -}}
{{- $uid := printf "slo-demo-app-%s" .root.Release.Namespace | trunc 40 | trimSuffix "-" -}}
{{- $text | replace "slo-demo-app-RELEASE-NAMESPACE" $uid | replace "RELEASE-NAMESPACE" .root.Release.Namespace -}}
{{- end -}}

{{- define "demo-app.parentRefs" -}}
{{- if .Values.gateway.create -}}
- name: {{ include "demo-app.fullname" . }}
{{- else -}}
{{- toYaml .Values.gateway.parentRefs -}}
{{- end -}}
{{- end -}}

{{- /* To the database, and to what gives tokens for it. */ -}}
{{- define "demo-app.databaseEgress" -}}
{{- $policy := .Values.networkPolicy }}
{{- $mode := .Values.database.mode }}
{{- $tokens := or (eq $mode "iam") (eq $mode "connector") }}
{{- if has $mode (list "password" "iam") }}
- ports:
    - {port: {{ .Values.database.port }}, protocol: TCP}
  {{- with $policy.databaseCidrs }}
  to:
    {{- range . }}
    - ipBlock: {cidr: {{ . }}}
    {{- end }}
  {{- end }}
{{- else if eq $mode "connector" }}
- ports:
    - {port: 3307, protocol: TCP}
  {{- with $policy.databaseCidrs }}
  to:
    {{- range . }}
    - ipBlock: {cidr: {{ . }}}
    {{- end }}
  {{- end }}
{{- end }}
{{- if $tokens }}
# The metadata server: port 80 with Dataplane V2, 988 on the node without it.
- ports:
    - {port: 80, protocol: TCP}
    - {port: 988, protocol: TCP}
  to:
    - ipBlock: {cidr: 169.254.169.254/32}
    - ipBlock: {cidr: 169.254.169.252/32}
- ports:
    - {port: 443, protocol: TCP}
  {{- with $policy.googleApiCidrs }}
  to:
    {{- range . }}
    - ipBlock: {cidr: {{ . }}}
    {{- end }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "demo-app.dnsEgress" -}}
- ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
{{- end -}}

{{- define "demo-app.egress" -}}
{{- $policy := .Values.networkPolicy }}
{{- $mode := .Values.database.mode }}
{{- if or (ne $mode "sqlite") .Values.tracing.enabled (eq .Values.monitoring.flavor "otlp") }}
{{ include "demo-app.dnsEgress" . }}
{{- end }}
{{- with include "demo-app.databaseEgress" . | trim }}
{{ . }}
{{- end }}
{{- if or .Values.tracing.enabled (eq .Values.monitoring.flavor "otlp") }}
- ports:
    - {port: 4317, protocol: TCP}
    - {port: 4318, protocol: TCP}
  to:
    {{- if .Values.tracing.collectorCidrs }}
    {{- range .Values.tracing.collectorCidrs }}
    - ipBlock: {cidr: {{ . }}}
    {{- end }}
    {{- else }}
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: {{ .Values.tracing.collectorNamespace }}
    {{- end }}
{{- end }}
{{- with $policy.extraEgress }}
{{- toYaml . | nindent 0 }}
{{- end }}
{{- end -}}
