# shellcheck shell=bash disable=SC2034,SC2154
# Asks the cluster whether what was installed works. Sourced by setup_cluster.sh.

targets_up() {
    ask observability kube-prometheus-stack-prometheus:9090 \
        "/api/v1/query?query=min(up%7Bnamespace%3D%22$app_namespace%22%7D)" | grep -q ',"1"\]'
}
rules_loaded() {
    ask observability kube-prometheus-stack-prometheus:9090 '/api/v1/rules?type=alert' |
        grep -q SLOErrorBudgetBurn
}
gmp_scrapes() {
    "${kubectl[@]}" -n "$app_namespace" get podmonitorings.monitoring.googleapis.com \
        -o 'jsonpath={.items[*].status.conditions[?(@.type=="ConfigurationCreateSuccess")].status}' |
        grep -q True
}
gmp_rules() {
    "${kubectl[@]}" -n "$app_namespace" get rules.monitoring.googleapis.com -o name | grep -q .
}
# Probes are not traced, and of visits only a share is: twenty for each look.
trace_found() {
    local visit
    for visit in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        ask "$app_namespace" demo-app:80 "/?visit=$visit" >/dev/null || break
    done
    ask observability tempo:3200 '/api/search?tags=service.name%3Ddemo-app&limit=1' | grep -q '"traceID"'
}
log_found() {
    ask observability loki-gateway:80 \
        "/loki/api/v1/query_range?limit=1&query=%7Bnamespace%3D%22$app_namespace%22%7D" |
        grep -q '"values":\[\['
}

# Without it an HPA by requests reads <unknown>.
metrics_served() {
    "${kubectl[@]}" get --raw /apis/custom.metrics.k8s.io/v1beta1 >/dev/null 2>&1
}
alertmanager_ready() {
    ask observability kube-prometheus-stack-alertmanager:9093 /-/ready >/dev/null
}

installed() { # name chart version digest namespace
    "${helm[@]}" status "$1" --namespace "$5" >/dev/null 2>&1 ||
        { say "$1: not installed" && failed=1; }
}

verify_all() {
    local failed=0 deadline
    deadline=$((SECONDS + timeout))
    each_release installed
    if ! "${helm[@]}" status demo-app --namespace "$app_namespace" >/dev/null 2>&1; then
        say "demo-app is not in $app_namespace, so there are no targets, rules, traces and logs to look for"
        return "$failed"
    fi
    if [ "$profile" = gmp ]; then
        await 'Google scrapes the demo:' gmp_scrapes || failed=1
        await 'Google has its rules:' gmp_rules || failed=1
        await 'metrics to scale by are served:' metrics_served || failed=1
    else
        await 'every target of the demo is up:' targets_up || failed=1
        await 'its rules are loaded:' rules_loaded || failed=1
        await 'metrics to scale by are served:' metrics_served || failed=1
        await 'Alertmanager is ready:' alertmanager_ready || failed=1
    fi
    await 'a trace is found:' trace_found || failed=1
    await 'a line of its log is found:' log_found || failed=1
    return "$failed"
}
