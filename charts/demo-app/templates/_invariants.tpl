{{- /*
What must hold between values. Each broken rule is one sentence: the field, its
value, the rule, and what to do. Included by the Deployment, so that no release
is made without it.
*/ -}}
{{- define "demo-app.invariants" -}}
{{- if and .Values.adminToken.create .Values.adminToken.secretName -}}
{{- fail (printf "adminToken.secretName is %s, but adminToken.create makes a Secret of its own; set one of them" .Values.adminToken.secretName) -}}
{{- end -}}
{{- $values := .Values -}}
{{- $by := $values.autoscaling.by -}}
{{- $min := include "demo-app.minReplicas" . | int -}}
{{- $max := include "demo-app.maxReplicas" . | int -}}
{{- include "demo-app.invariants.shutdown" . -}}
{{- include "demo-app.invariants.database" (dict "root" . "max" $max) -}}
{{- include "demo-app.invariants.disruption" (dict "root" . "min" $min) -}}

{{- /* Scaling. */ -}}
{{- if and (ne $by "none") (not (kindIs "invalid" $values.replicas)) -}}
{{- fail (printf "replicas is %v, but autoscaling.by is %s and each rollout would undo what it decided; set replicas to null, or autoscaling.by to none" $values.replicas $by) -}}
{{- end -}}
{{- if gt $min $max -}}
{{- fail (printf "autoscaling.minReplicas is %d, but maxReplicas is %d and nothing lies between; raise maxReplicas" $min $max) -}}
{{- end -}}
{{- if and (eq $by "hpa") (lt $min 1) -}}
{{- fail "autoscaling.minReplicas is 0, but a Service keeps no request for a pod that is not there; set it to 1 or more, or use keda-http or keda-queue" -}}
{{- end -}}
{{- if and (eq $by "hpa") (not (or $values.autoscaling.cpu.enabled $values.autoscaling.memory.enabled $values.autoscaling.inFlight.enabled $values.autoscaling.requestRate.enabled)) -}}
{{- fail "autoscaling.by is hpa, but it has nothing to look at; enable cpu, memory, inFlight or requestRate" -}}
{{- end -}}
{{- if and (eq $by "keda-queue") (eq $values.autoscaling.queue.source "pubsub") (not $values.autoscaling.queue.pubsub.subscription) -}}
{{- fail "autoscaling.queue.pubsub.subscription is empty, but KEDA has to know whose depth to read; set it to projects/PROJECT/subscriptions/NAME" -}}
{{- end -}}
{{- if and (eq $by "keda-http") (not $values.autoscaling.http.hosts) -}}
{{- fail "autoscaling.http.hosts is empty, but the interceptor knows a request's service by its host only; name the hosts" -}}
{{- end -}}

{{- /* The ways in. */ -}}
{{- range $name, $way := dict "gateway" $values.gateway "ingress" $values.ingress -}}
{{- if $way.enabled -}}
{{- include "demo-app.invariants.wayIn" (dict "root" $ "name" $name "way" $way) -}}
{{- end -}}
{{- end -}}
{{- if and $values.gateway.enabled (not $values.gateway.create) (not $values.gateway.parentRefs) -}}
{{- fail "gateway.parentRefs is empty, but gateway.create is false and the route needs a Gateway to attach to; name one" -}}
{{- end -}}
{{- if and $values.gateway.certificateMap $values.gateway.tlsSecretName -}}
{{- fail (printf "gateway.tlsSecretName is %s, but certificateMap is %s and one Gateway takes its certificate from one of them; empty the other" $values.gateway.tlsSecretName $values.gateway.certificateMap) -}}
{{- end -}}
{{- if and $values.gateway.clusterIssuer (not $values.gateway.tlsSecretName) -}}
{{- fail (printf "gateway.clusterIssuer is %s, but tlsSecretName is empty and the certificate has no place; name the Secret" $values.gateway.clusterIssuer) -}}
{{- end -}}

{{- /* Variables that the chart sets. */ -}}
{{- $names := dict -}}
{{- range $values.env -}}
{{- if or (regexMatch "^(DEMO_|DATABASE_|SRE_KIT_)" .name) (has .name (list "RUST_LOG" "OTEL_SERVICE_NAME" "OTEL_TRACES_EXPORTER" "OTEL_METRICS_EXPORTER" "OTEL_LOGS_EXPORTER" "OTEL_EXPORTER_OTLP_ENDPOINT" "OTEL_EXPORTER_OTLP_PROTOCOL" "OTEL_TRACES_SAMPLER" "OTEL_TRACES_SAMPLER_ARG" "POD_NAME" "POD_NAMESPACE" "POD_UID" "NODE_NAME" "CONTAINER_NAME" "DEPLOYMENT_NAME" "CLUSTER_NAME")) -}}
{{- fail (printf "env has %s, but the chart sets it from other values and no name may be there twice; use those values" .name) -}}
{{- end -}}
{{- if hasKey $names .name -}}
{{- fail (printf "env has %s twice, but a server that merges by name keeps one of them; remove the other" .name) -}}
{{- end -}}
{{- $_ := set $names .name true -}}
{{- end -}}
{{- end -}}

{{- define "demo-app.invariants.shutdown" -}}
{{- $out := .Values.shutdown -}}
{{- $sum := add $out.delaySeconds $out.drainSeconds $out.flushSeconds $out.marginSeconds -}}
{{- if lt (int $out.gracePeriodSeconds) (int $sum) -}}
{{- fail (printf "shutdown.gracePeriodSeconds is %d, but delay + drain + flush + margin is %d and the process would be killed before it is done; raise it to %d or shorten a part" (int $out.gracePeriodSeconds) $sum $sum) -}}
{{- end -}}
{{- $startup := mul .Values.probes.startup.periodSeconds .Values.probes.startup.failureThreshold -}}
{{- if le (int .Values.rollout.progressDeadlineSeconds) (int $startup) -}}
{{- fail (printf "rollout.progressDeadlineSeconds is %d, but a pod may take %d s to start and the rollout would be given up before; raise it" (int .Values.rollout.progressDeadlineSeconds) $startup) -}}
{{- end -}}
{{- if and (eq (int .Values.rollout.maxSurge) 0) (eq (int .Values.rollout.maxUnavailable) 0) -}}
{{- fail "rollout.maxSurge is 0, but maxUnavailable is 0 too and no pod could ever be replaced; raise one of them" -}}
{{- end -}}
{{- end -}}

{{- define "demo-app.invariants.database" -}}
{{- $database := .root.Values.database -}}
{{- $mode := $database.mode -}}
{{- if ne $mode "sqlite" -}}
{{- if not $database.user -}}
{{- fail (printf "database.user is empty, but database.mode is %s and somebody has to connect; name the role" $mode) -}}
{{- end -}}
{{- if and (has $mode (list "password" "iam")) (not $database.host) -}}
{{- fail (printf "database.host is empty, but database.mode is %s and connects to an address; set it" $mode) -}}
{{- end -}}
{{- if and (eq $mode "connector") (not $database.instance) -}}
{{- fail "database.instance is empty, but database.mode is connector; set it to PROJECT:REGION:INSTANCE" -}}
{{- end -}}
{{- if and (eq $mode "password") (not $database.passwordSecret.name) -}}
{{- fail "database.passwordSecret.name is empty, but database.mode is password and the chart holds no password; name a Secret" -}}
{{- end -}}
{{- if and (eq $mode "iam") (not $database.serverCa) -}}
{{- fail "database.serverCa is empty, but a token goes to the server and it has to prove who it is; paste the instance's CA" -}}
{{- end -}}
{{- $pods := add .max .root.Values.rollout.maxSurge -}}
{{- $wanted := mul $pods $database.maxConnections -}}
{{- $free := sub $database.instanceMaxConnections $database.reservedConnections -}}
{{- if gt (int $wanted) (int $free) -}}
{{- fail (printf "database.maxConnections is %d, but %d pods (%d and %d of a rollout) would open %d connections and the instance has %d to give; lower it to %d, or have fewer pods" (int $database.maxConnections) $pods (int .max) (int .root.Values.rollout.maxSurge) $wanted $free (max 0 (div $free $pods))) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "demo-app.invariants.disruption" -}}
{{- $budget := .root.Values.podDisruptionBudget -}}
{{- $pods := max 1 .min | int -}}
{{- if $budget.enabled -}}
{{- $bothNull := and (kindIs "invalid" $budget.maxUnavailable) (kindIs "invalid" $budget.minAvailable) -}}
{{- $both := not (or (kindIs "invalid" $budget.maxUnavailable) (kindIs "invalid" $budget.minAvailable)) -}}
{{- if or $both $bothNull -}}
{{- fail "podDisruptionBudget has both or neither of maxUnavailable and minAvailable, but a budget has exactly one; set the other to null" -}}
{{- end -}}
{{- if not (kindIs "invalid" $budget.maxUnavailable) -}}
{{- if has (toString $budget.maxUnavailable) (list "0" "0%") -}}
{{- fail (printf "podDisruptionBudget.maxUnavailable is %v, but then no node with a pod of it can be drained; set it to 1 or more" $budget.maxUnavailable) -}}
{{- end -}}
{{- else -}}
{{- $text := toString $budget.minAvailable -}}
{{- $stay := int $text -}}
{{- if hasSuffix "%" $text -}}
{{- /* The controller rounds a percentage up. */ -}}
{{- $stay = div (add (mul (int (trimSuffix "%" $text)) $pods) 99) 100 -}}
{{- end -}}
{{- if ge (int $stay) $pods -}}
{{- fail (printf "podDisruptionBudget.minAvailable is %s, but there may be as few as %d pods and none could leave, so that no node is drained; set it below, or use maxUnavailable" $text $pods) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "demo-app.invariants.wayIn" -}}
{{- $out := .root.Values.shutdown -}}
{{- $check := .way.healthCheck -}}
{{- if not (has $check.path (list "/readyz" "/livez" "/startupz")) -}}
{{- fail (printf "%s.healthCheck.path is %s, but a health check may never write and only the probes are known not to; use /readyz" .name $check.path) -}}
{{- end -}}
{{- if not .way.hostname -}}
{{- fail (printf "%s.hostname is empty, but a load balancer that answers to every name serves them all; set it" .name) -}}
{{- end -}}
{{- if gt (int .way.backend.drainingSeconds) (int $out.gracePeriodSeconds) -}}
{{- fail (printf "%s.backend.drainingSeconds is %d, but the pod is killed after %d s (shutdown.gracePeriodSeconds) and what the load balancer still lets finish would break off; lower it or raise the grace period" .name (int .way.backend.drainingSeconds) (int $out.gracePeriodSeconds)) -}}
{{- end -}}
{{- if lt (int $out.delaySeconds) 20 -}}
{{- fail (printf "shutdown.delaySeconds is %d, but %s.enabled puts a Google load balancer in front, which takes about 20 s to notice that a pod leaves; set it to 20 or more" (int $out.delaySeconds) .name) -}}
{{- end -}}
{{- $notice := mul $check.intervalSeconds $check.unhealthyThreshold -}}
{{- if gt (int $notice) (int $out.delaySeconds) -}}
{{- fail (printf "%s.healthCheck takes %d s to notice (intervalSeconds x unhealthyThreshold), but the pod stops accepting after %d s (shutdown.delaySeconds); check more often or raise the delay" .name $notice (int $out.delaySeconds)) -}}
{{- end -}}
{{- if gt (int $check.timeoutSeconds) (int $check.intervalSeconds) -}}
{{- fail (printf "%s.healthCheck.timeoutSeconds is %d, but a check starts every %d s and Google refuses one that may outlast it; lower it" .name (int $check.timeoutSeconds) (int $check.intervalSeconds)) -}}
{{- end -}}
{{- end -}}
