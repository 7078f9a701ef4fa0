# shellcheck shell=bash disable=SC2154
# Sends one alert through Alertmanager and sees it go out. Sourced by gke.sh.

# Where Alertmanager is: Google's own with profile gmp.
alertmanager() {
    case $profile in
        gmp) forward gmp-system alertmanager 9093 ;;
        *) forward observability kube-prometheus-stack-alertmanager 9093 ;;
    esac
}

at_port() { # path curl's arguments...
    local path=$1
    shift
    curl --silent --show-error --fail --max-time 20 "$@" "http://127.0.0.1:$port$path" 2>"$work/error"
}

# Sums a counter over its labels.
counted() { # metric
    at_port /metrics | awk -v name="$1" 'index($1, name "{") == 1 || $1 == name { sum += $NF } END { printf "%d\n", sum }'
}

# An alert as the generated rules make it, so that the routes of a page apply. Its SLO is another
# each time: alerts of one group are sent together, every five minutes. Its tier is none that
# inhibits another, or is inhibited.
send_alert() { # ends
    jq --null-input --arg namespace "$namespace" --arg id "$alert_id" --arg ends "$1" '[{
        labels: {alertname: "SLOErrorBudgetBurn", service: "demo-app", namespace: $namespace, severity: "page",
            slo: "verification-\($id)", slo_tier: "verification", verification: $id},
        annotations: {summary: "A test by tools/gke verify; nothing is wrong, and it resolves by itself."},
        endsAt: $ends}]' >"$work/alert.json"
    at_port /api/v2/alerts --request POST --header 'Content-Type: application/json' --data "@$work/alert.json" >/dev/null
}

alert_is_routed() {
    at_port "/api/v2/alerts?filter=verification%3D%22$alert_id%22" |
        jq --exit-status 'any(.[]; any(.receivers[]; .name == "slo-page"))' >/dev/null
}

# Leaves what was sent so far. A notification counts when it begins and its requests when they are
# answered, so both are read. Other alerts may go out meanwhile.
count_notifications() {
    begun=$(counted alertmanager_notifications_total)
    requests=$(counted alertmanager_notification_requests_total)
    refused=$(counted alertmanager_notification_requests_failed_total)
    lost=$(counted alertmanager_notifications_failed_total)
}

alert_is_out() {
    count_notifications
    [ $((refused + lost)) -gt "$failures_before" ] ||
        { [ "$begun" -gt "$begun_before" ] && [ $((requests - refused)) -gt "$taken_before" ]; }
}

verify_alert() {
    local failed=0
    alertmanager || return 1
    alert_id=$(random_hex 8)
    count_notifications
    begun_before=$begun taken_before=$((requests - refused)) failures_before=$((refused + lost))
    if ! send_alert "$(date -u -d '+15 minutes' +%Y-%m-%dT%H:%M:%SZ)"; then
        say "Alertmanager refuses an alert: $(tail -n 1 "$work/error")"
        close_forward
        return 1
    fi
    if await 'an alert is routed to the pager:' alert_is_routed && await 'Alertmanager sends it:' alert_is_out; then
        if [ $((refused + lost)) -gt "$failures_before" ]; then
            say "a receiver does not take it: failed requests and notifications of Alertmanager rose by $((refused + lost - failures_before)); look at its log, and at what up was given by --page or PAGE_URL"
            failed=1
        else
            say "look at the pager: an alert SLOErrorBudgetBurn with slo verification-$alert_id is there"
        fi
    else
        failed=1
    fi
    send_alert "$(date -u +%Y-%m-%dT%H:%M:%SZ)" || say 'the test alert was not resolved; it ends in 15 minutes'
    close_forward
    return "$failed"
}
