# shellcheck shell=bash disable=SC2154
# What is there and what is not, a line each. Sourced by gke.sh.

there() { # name sentence
    printf '%-14s %s\n' "$1" "$2"
}

status_all() {
    local missing=0
    there project "$project, number $number"
    if has_state bootstrap; then
        there bootstrap "there, state in gs://$state_bucket/bootstrap"
    else
        there bootstrap 'not there; run up'
        missing=1
    fi
    status_github || missing=1
    if read_outputs; then
        there environment "there: cluster $(output .cluster.name) in $(output .cluster.location)"
        status_cluster || missing=1
    else
        there environment 'not there; run up'
        missing=1
    fi
    return "$missing"
}

# Without --repository GitHub is not asked.
status_github() {
    local name variables wanted
    [ -n "$repository" ] || return 0
    for name in "$environment" "$environment-plan"; do
        if ! variables=$(gh variable list --repo "$repository" --env "$name" --json name --jq '.[].name' 2>/dev/null); then
            there github "environment $name is not there; run up"
            return 1
        fi
        for wanted in GCP_WORKLOAD_IDENTITY_PROVIDER STATE_BUCKET TFVARS; do
            grep -qx "$wanted" <<<"$variables" || {
                there github "environment $name has no variable $wanted; run up"
                return 1
            }
        done
    done
    there github "environments $environment and $environment-plan have their variables"
}

status_cluster() {
    local missing=0 status revision
    connect
    there profile "$profile"
    releases_in_cluster || return 1
    for name in kube-prometheus-stack gmp-frontend loki tempo alloy keda cluster-access demo-app; do
        case $profile:$name in
            gmp:kube-prometheus-stack | autopilot:gmp-frontend | standard:gmp-frontend | promtail:gmp-frontend) continue ;;
        esac
        read -r status revision < <(jq --raw-output --arg name "$name" \
            'first(.[] | select(.name == $name) | "\(.status) \(.revision)") // "missing 0"' "$work/releases.json")
        case $status in
            deployed) there "$name" "deployed, revision $revision" ;;
            missing) there "$name" 'not there' && missing=1 ;;
            *) there "$name" "$status, revision $revision; look at helm history $name" && missing=1 ;;
        esac
    done
    return "$missing"
}
