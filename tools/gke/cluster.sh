# shellcheck shell=bash disable=SC2034,SC2154
# What gke.sh knows of the cluster and asks of it. Sourced.

namespace=''
url=''

# Lets kubectl and helm in; needs the outputs.
connect() {
    local name location of
    name=$(output .cluster.name) location=$(output .cluster.location) of=$(output .cluster.project)
    [ "$of" = "$project" ] ||
        fail "the state in $state_bucket is of project $of, and --project is $project, so nothing is changed; name the bucket of $project by --state-bucket"
    namespace=$(output .namespace) url=$(output .base_url)
    gcloud container clusters get-credentials "$name" --location "$location" --project "$project" --dns-endpoint \
        >/dev/null 2>"$work/error" || fail "cluster $name cannot be reached: $(tail -n 1 "$work/error")"
    kubectl version >/dev/null 2>"$work/error" || fail "cluster $name does not answer: $(tail -n 1 "$work/error")"
    check_profile "$name" "$location"
}

# A profile is one of the cluster's kind, and of what is installed already.
check_profile() { # name location
    local autopilot kind found
    [ -n "$profile" ] || profile=$(output .profile)
    autopilot=$(gcloud container clusters describe "$1" --location "$2" --project "$project" --format='value(autopilot.enabled)') ||
        fail "cluster $1 cannot be described, so nothing is changed; look at gcloud container clusters list"
    kind=standard
    if [ "$autopilot" = True ]; then kind=autopilot; fi
    case $kind:$profile in
        autopilot:autopilot | autopilot:gmp | standard:standard | standard:promtail | standard:gmp) ;;
        *) fail "profile $profile does not fit cluster $1, which is $kind, so nothing is changed; Terraform names $(output .profile)" ;;
    esac
    releases_in_cluster || fail "the releases of cluster $1 cannot be listed, so nothing is changed; $(tail -n 1 "$work/error")"
    found=$(jq --raw-output '
        if any(.[]; .namespace == "observability" and .name == "kube-prometheus-stack") then "operator"
        elif any(.[]; .namespace == "observability" and .name == "gmp-frontend") then "gmp" else "" end' "$work/releases.json")
    case $found:$profile in
        gmp:gmp | operator:autopilot | operator:standard | operator:promtail | :*) ;;
        *) fail "profile $profile does not fit cluster $1, where the stack of another profile is ($found), so nothing is changed; remove that one by charts/setup_cluster.sh --teardown" ;;
    esac
}

# What output `profile` will be, for a look before anything is applied.
profile_of_environment() {
    if grep -q 'flavor *= *"gmp"' "$folder/main.tf"; then
        say gmp
    else
        sed -n 's/^ *kind *= *"\([a-z]*\)".*/\1/p' "$folder/main.tf" | head -n 1
    fi
}

releases_in_cluster() {
    helm list --all-namespaces --output json >"$work/releases.json" 2>"$work/error"
}

# Helm refuses to go on with a release that it was interrupted in.
check_interrupted() {
    local stuck
    stuck=$(helm list --all-namespaces --pending --output json |
        jq --raw-output 'first(.[] | "\(.name) \(.namespace) \(.status) \(.revision)") // empty') ||
        fail 'the releases that Helm was interrupted in cannot be listed, so nothing is changed'
    [ -n "$stuck" ] || return 0
    read -r name in status revision <<<"$stuck"
    if [ "$revision" = 1 ]; then
        fail "release $name in $in is $status: Helm was interrupted, so nothing is changed; run helm uninstall $name --namespace $in, then this again"
    fi
    fail "release $name in $in is $status: Helm was interrupted, so nothing is changed; run helm rollback $name --namespace $in, then this again"
}

# The values of the stack's releases that Terraform names, as arguments in $more.
stack_values() {
    local release
    more=()
    while read -r release; do
        jq --raw-output --arg name "$release" '.stack_values[$name]' "$work/outputs.json" >"$work/$release.json"
        more+=(--values-for "$release=$work/$release.json")
    done < <(jq --raw-output '.stack_values // {} | keys[]' "$work/outputs.json")
    if jq --exit-status '.stack_values // {} | has("external-dns")' "$work/outputs.json" >/dev/null; then more+=(--with external-dns); fi
    if [ "$profile" = gmp ]; then more+=(--project "$project"); fi
}

setup() { # arguments...
    "$root/charts/setup_cluster.sh" --profile "$profile" --app-namespace "$namespace" --timeout "$timeout" "$@"
}

# Forwards a port of a Service and leaves the local one in $port.
forward() { # namespace service port
    local tries=0
    close_forward
    kubectl --namespace "$1" port-forward "service/$2" ":$3" >"$work/forward" 2>"$work/error" &
    forwarder=$!
    port=''
    while [ -z "$port" ]; do
        port=$(sed -n 's/^Forwarding from 127\.0\.0\.1:\([0-9]*\) .*/\1/p' "$work/forward")
        [ -n "$port" ] && return
        if ! kill -0 "$forwarder" 2>/dev/null || [ "$tries" -ge 300 ]; then
            say "service $2 in $1 cannot be reached: $(tail -n 1 "$work/error")"
            close_forward
            return 1
        fi
        tries=$((tries + 1))
        sleep 0.1
    done
}

close_forward() {
    [ -n "$forwarder" ] || return 0
    kill "$forwarder" 2>/dev/null || true
    wait "$forwarder" 2>/dev/null || true
    forwarder=''
}
