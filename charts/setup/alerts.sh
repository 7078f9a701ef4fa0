# shellcheck shell=bash disable=SC2154
# Alertmanager's configuration: the generated routes of the SLOs, and those of the stack's
# own alerts. Sourced by setup_cluster.sh.

# Routes after those of the SLOs.
stack_routes() {
    if [ -n "$heartbeat_url" ]; then
        cat <<'EOF'
    - receiver: heartbeat
      matchers: ['alertname="Watchdog"']
      group_wait: 0s
      group_interval: 1m
      repeat_interval: 5m
EOF
    fi
    cat <<'EOF'
    - receiver: nobody
      matchers: ['severity=~"none|info"']
    - receiver: slo-ticket
      matchers: ['severity=~"critical|warning"']
      group_by: [alertname, namespace]
      group_wait: 30s
      group_interval: 5m
      repeat_interval: 12h
EOF
}

stack_receivers() {
    [ -n "$heartbeat_url" ] || return 0
    printf '  - name: heartbeat\n    webhook_configs:\n      - url: "%s"\n        send_resolved: false\n' "$heartbeat_url"
}

# The whole configuration.
alertmanager_config() {
    local line
    stack_routes >"$work/routes"
    while IFS= read -r line; do
        # Quoted, a replacement stands for itself: an address may have & and |.
        line=${line//RELEASE-NAMESPACE/"$app_namespace"}
        [ -z "$page_url" ] || line=${line//http:\/\/page-receiver.invalid\//\""$page_url"\"}
        [ -z "$ticket_url" ] || line=${line//http:\/\/ticket-receiver.invalid\//\""$ticket_url"\"}
        case $line in inhibit_rules:*) cat "$work/routes" ;; esac
        printf '%s\n' "$line"
    done <"$here/demo-app/files/alertmanager/alertmanager.yaml"
    stack_receivers
}

# The same as values of kube-prometheus-stack.
alertmanager_values() {
    say 'alertmanager:'
    say '  config:'
    alertmanager_config | sed -e 's/^/    /'
}

# Google's Alertmanager reads its configuration from this Secret.
install_managed_alerts() {
    say 'alerts: writing the configuration of the managed Alertmanager'
    alertmanager_config >"$work/alertmanager.yaml"
    if $dry_run; then
        say "would run: kubectl apply of Secret gmp-public/alertmanager"
        return
    fi
    "${kubectl[@]}" create secret generic alertmanager --namespace gmp-public \
        --from-file "alertmanager.yaml=$work/alertmanager.yaml" --dry-run=client --output yaml |
        "${kubectl[@]}" apply --filename - ||
        fail 'Secret gmp-public/alertmanager could not be written; is managed collection on in this cluster?'
}
