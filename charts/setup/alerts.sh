# shellcheck shell=bash disable=SC2154
# Alertmanager's configuration: the generated routes, and the receivers of the options.
# Sourced by setup_cluster.sh.

# A receiver's secrets are keys of this Secret, which Alertmanager mounts.
receivers_secret=alert-receivers
secrets_path=/etc/alertmanager/secrets/$receivers_secret

# The option's text for one receiver: KIND:FILE, url:URL, or nothing.
receiver_of() { # receiver
    case $1 in
        slo-page) say "${page:-${page_url:+url:$page_url}}" ;;
        slo-ticket) say "${ticket:-${ticket_url:+url:$ticket_url}}" ;;
        heartbeat) say "${heartbeat:-${heartbeat_url:+url:$heartbeat_url}}" ;;
    esac
}

# One receiver as YAML. Google's Alertmanager mounts no further Secret, and its whole
# configuration is one: there the secrets are in it.
receiver_yaml() { # receiver
    local of line file resolved=true
    of=$(receiver_of "$1")
    [ "$1" != heartbeat ] || resolved=false
    case $of in
        '')
            printf '  - name: %s\n' "$1"
            [ "$1" = heartbeat ] ||
                printf '    webhook_configs:\n      - url: "http://%s-receiver.invalid/"\n' "${1#slo-}"
            return
            ;;
        url:*)
            printf '  - name: %s\n    webhook_configs:\n      - url: "%s"\n        send_resolved: %s\n' \
                "$1" "${of#url:}" "$resolved"
            return
            ;;
    esac
    file=${of#*:}
    while IFS= read -r line; do
        line=${line//RECEIVER/"$1"}
        case $line in
            *_file:*"$secrets_path/$1"*)
                if [ "$profile" = gmp ]; then
                    line=${line%%_file:*}": \"$(secret_of "$of")\""
                fi
                ;;
            *'to: "TO"') line=${line%%\"*}"\"$(email_setting "$file" to)\"" ;;
            *'from: "FROM"') line=${line%%\"*}"\"$(email_setting "$file" from)\"" ;;
            *'smarthost: SMARTHOST') line=${line%SMARTHOST}"\"$(email_setting "$file" smarthost)\"" ;;
            *'auth_username: USER') line=${line%USER}"\"$(email_setting "$file" username)\"" ;;
            *'send_resolved: true') line=${line%true}$resolved ;;
        esac
        printf '%s\n' "$line"
    done <"$here/setup/receivers/${of%%:*}.yaml"
}

# The whole configuration.
alertmanager_config() {
    local line name
    while IFS= read -r line; do
        [ "$line" != receivers: ] || break
        printf '%s\n' "${line//RELEASE-NAMESPACE/"$app_namespace"}"
    done <"$here/demo-app/files/alertmanager/alertmanager.yaml"
    printf 'receivers:\n  - name: nobody\n'
    for name in slo-page slo-ticket heartbeat; do receiver_yaml "$name"; done
}

# Whether a receiver has a secret in a file.
has_secrets() {
    [ -n "$page$ticket$heartbeat" ]
}

# The same as values of kube-prometheus-stack.
alertmanager_values() {
    say 'alertmanager:'
    if has_secrets; then
        printf '  alertmanagerSpec:\n    secrets: [%s]\n' "$receivers_secret"
    fi
    say '  config:'
    alertmanager_config | sed -e 's/^/    /'
}

# The secrets of the receivers, before the Alertmanager that mounts them.
install_receivers() { # namespace
    local name of keys=()
    has_secrets || return 0
    if $dry_run; then
        say "would run: kubectl apply of Secret $1/$receivers_secret"
        return
    fi
    mkdir -p "$work/secrets"
    for name in slo-page slo-ticket heartbeat; do
        of=$(receiver_of "$name")
        case $of in '' | url:*) continue ;; esac
        secret_of "$of" >"$work/secrets/$name"
        keys+=(--from-file "$name=$work/secrets/$name")
    done
    "${kubectl[@]}" create namespace "$1" --dry-run=client --output yaml |
        "${kubectl[@]}" apply --filename - >/dev/null ||
        fail "namespace $1 could not be created; look at the rights of this user"
    "${kubectl[@]}" create secret generic "$receivers_secret" --namespace "$1" "${keys[@]}" \
        --dry-run=client --output yaml | "${kubectl[@]}" apply --filename - ||
        fail "Secret $1/$receivers_secret could not be written; look at the rights of this user"
}

# A configuration that somebody else wrote stays.
check_managed_alerts() {
    local owner
    $dry_run && return
    owner=$("${kubectl[@]}" get secret alertmanager --namespace gmp-public --ignore-not-found \
        --output 'jsonpath={.metadata.name}/{.metadata.labels.app\.kubernetes\.io/managed-by}') ||
        fail 'Secret gmp-public/alertmanager could not be read, so nothing is installed; look at the rights of this user'
    case $owner in
        '' | */setup-cluster) ;;
        *) fail 'Secret gmp-public/alertmanager is there and not from this script, so nothing is installed; delete it, or label it app.kubernetes.io/managed-by=setup-cluster' ;;
    esac
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
        "${kubectl[@]}" label --local --filename - app.kubernetes.io/managed-by=setup-cluster --output yaml |
        "${kubectl[@]}" apply --filename - ||
        fail 'Secret gmp-public/alertmanager could not be written; is managed collection on in this cluster?'
}

# Removes the Secrets of this script. One that somebody else wrote has no such label.
remove_receivers() {
    if [ "$profile" = gmp ]; then
        change "${kubectl[@]}" delete secret --namespace gmp-public --field-selector metadata.name=alertmanager \
            --selector app.kubernetes.io/managed-by=setup-cluster ||
            fail 'Secret gmp-public/alertmanager is still there; look at the rights of this user'
    else
        change "${kubectl[@]}" delete secret "$receivers_secret" --namespace observability --ignore-not-found ||
            fail "Secret observability/$receivers_secret is still there; look at the rights of this user"
    fi
}
