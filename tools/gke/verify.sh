# shellcheck shell=bash disable=SC2154
# Asks for what a user, the autoscaler and the person on call see. Sourced by gke.sh.

random_hex() { # bytes
    od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'
}

# Visits the service from outside with the sampled flag set, so that this one request is kept.
visit() { # path
    curl --silent --show-error --max-time 20 --output "$work/answer" --write-out '%{http_code}' \
        --header "traceparent: 00-$trace_id-$(random_hex 8)-01" "$url$1" 2>"$work/error"
}

https_answers() {
    [ "$(visit /)" = 200 ]
}

http_redirects() {
    local code
    code=$(curl --silent --max-time 20 --output "$work/answer" --write-out '%{http_code}' "http://${url#https://}/") || return 1
    case $code in 301 | 302 | 307 | 308) return 0 ;; *) return 1 ;; esac
}

trace_is_found() {
    ask observability tempo:3200 "/api/traces/$trace_id" |
        jq --exit-status '(.batches // .trace.resourceSpans // .resourceSpans // []) | length > 0' >/dev/null
}

# A status below 500 spends no error budget.
fault_is_logged() {
    visit '/error?status=404' >/dev/null && grep -q 'as requested' "$work/answer"
}

log_is_found() {
    ask observability loki-gateway:80 \
        "/loki/api/v1/query_range?limit=1&query=%7Bnamespace%3D%22$namespace%22%7D%20%7C%3D%20%22$trace_id%22" |
        jq --exit-status '.data.result | length > 0' >/dev/null
}

# A value, and not only that the API answers.
metric_is_served() {
    local name=sre_kit_http_server_requests_started_per_second
    if [ "$profile" = gmp ]; then name='prometheus.googleapis.com%7Csre_kit_http_server_requests_started_total%7Ccounter'; fi
    kubectl get --raw "/apis/custom.metrics.k8s.io/v1beta1/namespaces/$namespace/pods/*/$name" 2>/dev/null |
        jq --exit-status 'any(.items[]; .value != null)' >/dev/null
}

autoscaler_is_active() {
    kubectl --namespace "$namespace" get horizontalpodautoscalers --output json 2>/dev/null |
        jq --exit-status '.items | length > 0 and all(any(.status.conditions[]?; .type == "ScalingActive" and .status == "True"))' >/dev/null
}

grafana_answers() { # datasource's uid
    curl --silent --fail --max-time 20 --config "$work/grafana" "http://127.0.0.1:$port/api/datasources/uid/$1/health" |
        jq --exit-status '.status == "OK"' >/dev/null
}

# The password goes by a file, not by the list of processes.
verify_grafana() {
    local name=kube-prometheus-stack-grafana uid failed=0
    if [ "$profile" = gmp ]; then name=grafana; fi
    (
        umask 077
        kubectl --namespace observability get secret "$name" --output 'jsonpath={.data.admin-password}' | base64 -d |
            jq --raw-input --raw-output '"user = \("admin:" + . | tojson)"' >"$work/grafana"
    ) 2>"$work/error" || {
        say "Grafana's password cannot be read: $(tail -n 1 "$work/error")"
        return 1
    }
    forward observability "$name" 80 || return 1
    for uid in prometheus loki tempo; do
        datasource=$uid
        await "Grafana's datasource $uid is healthy:" datasource_is_healthy || failed=1
    done
    close_forward
    return "$failed"
}
datasource_is_healthy() { grafana_answers "$datasource"; }

verify_all() {
    local failed=0
    read_outputs || fail "environment $environment is not there; run up"
    connect
    if $dry_run; then
        say "would run: charts/setup_cluster.sh --profile $profile --verify, visits of $url, and one alert with severity page"
        return
    fi
    releases_in_cluster
    jq --exit-status --arg in "$namespace" 'any(.[]; .name == "demo-app" and .namespace == $in)' "$work/releases.json" >/dev/null ||
        fail "demo-app is not in $namespace, so there is nothing to verify; a push to main deploys it"
    setup --verify || failed=1
    trace_id=$(random_hex 16)
    await "$url answers, with a certificate that is valid:" https_answers ||
        { say "  $(tail -n 1 "$work/error")" && failed=1; }
    await 'without TLS it leads there:' http_redirects || failed=1
    await "trace $trace_id of this visit is found:" trace_is_found || failed=1
    if fault_is_logged; then
        await 'the log line with its id is found:' log_is_found || failed=1
    else
        say 'no line has the id of this visit: /error is off here (allowFaults), and a visit that succeeds logs nothing'
    fi
    await 'a metric of its pods is served:' metric_is_served || failed=1
    await 'the autoscaler reads it:' autoscaler_is_active || failed=1
    verify_grafana || failed=1
    verify_alert || failed=1
    [ "$failed" = 0 ] || exit 3
    say 'done'
}
