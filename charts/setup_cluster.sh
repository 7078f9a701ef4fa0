#!/usr/bin/env bash
# Puts into a cluster what a service needs there: metrics, logs, traces, dashboards,
# alerts, autoscaling, names and certificates, and the demo itself where asked for.
#
# What and at which version: observability/releases.lock. Each archive is pulled,
# compared with its digest and installed, in the order of the lock. Running it again
# changes what has changed and nothing else. See --help.
set -euo pipefail

usage() {
    cat <<'EOF'
Usage: setup_cluster.sh --profile PROFILE [options]

  --profile PROFILE     autopilot, standard, gmp, local, or promtail (standard, with Promtail for logs)
  --app-values FILE     install charts/demo-app as well, with these values; may be given again
  --app-namespace NAME  namespace of the demo [demo]
  --context NAME        context of kubectl and helm [the current one]
  --page-url URL        webhook for alerts that wake somebody up
  --ticket-url URL      webhook for alerts that wait until morning
  --timeout SECONDS     for each release, and for all of what is verified [600]
  --only RELEASE        this release of the lock and no other; may be given again
  --unpinned            install releases too whose digest nobody could pin yet
  --dry-run             print every command that would change something; change nothing
  --verify              install nothing, only verify
  --no-verify           install and do not verify
  --teardown            remove what this script installed, in reverse order. Volumes, namespaces
                        and definitions of custom resources stay: they hold data of yours
  --help                this text

Exit codes: 0 done, 1 something failed, 2 the command line is wrong, 3 verification failed
EOF
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
stack=$here/observability
profiles='autopilot standard gmp local promtail'
profile='' app_namespace=demo context='' page_url='' ticket_url='' timeout=600
dry_run=false teardown=false unpinned=false install=true verify=true
app_values=() only=()

say() { printf '%s\n' "$*"; }
wrong() {
    printf 'setup_cluster.sh: %s\n' "$*" >&2
    exit 2
}
fail() {
    printf 'setup_cluster.sh: %s\n' "$*" >&2
    exit 1
}

while [ $# -gt 0 ]; do
    case $1 in
        --profile | --app-values | --app-namespace | --context | --page-url | --ticket-url | --timeout | --only)
            [ $# -ge 2 ] || wrong "$1 has no value, but needs one; see --help"
            case $1 in
                --profile) profile=$2 ;;
                --app-values) app_values+=("$2") ;;
                --app-namespace) app_namespace=$2 ;;
                --context) context=$2 ;;
                --page-url) page_url=$2 ;;
                --ticket-url) ticket_url=$2 ;;
                --timeout) timeout=$2 ;;
                --only) only+=("$2") ;;
            esac
            shift 2
            ;;
        --dry-run) dry_run=true && shift ;;
        --teardown) teardown=true && shift ;;
        --unpinned) unpinned=true && shift ;;
        --verify) install=false && shift ;;
        --no-verify) verify=false && shift ;;
        --help) usage && exit 0 ;;
        *) wrong "$1 is no option; see --help" ;;
    esac
done

[ -n "$profile" ] || wrong "--profile is missing, but decides what is installed; choose one of $profiles"
case " $profiles " in
    *" $profile "*) ;;
    *) wrong "--profile is $profile, but there is none of that name; choose one of $profiles" ;;
esac
case $timeout in
    '' | *[!0-9]*) wrong "--timeout is $timeout, but seconds are a whole number; write it like 600" ;;
esac
for file in ${app_values[@]+"${app_values[@]}"}; do
    [ -r "$file" ] || wrong "--app-values is $file, but it cannot be read; name a file that is there"
done
for url in "$page_url" "$ticket_url"; do
    case $url in
        '' | http://* | https://*) ;;
        *) wrong "a webhook is $url, but only http and https are called; write it like https://pager.example.com/hook" ;;
    esac
done
for tool in helm kubectl sha256sum sed; do
    command -v "$tool" >/dev/null || fail "$tool is not in PATH; install it"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

helm=(helm) kubectl=(kubectl)
if [ -n "$context" ]; then
    helm+=(--kube-context "$context")
    kubectl+=(--context "$context")
fi

# Runs what changes something, or only says so.
change() {
    if $dry_run; then
        say "would run: $*"
    else
        "$@"
    fi
}

# The lock, without comments: name chart version digest namespace profiles.
releases() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$stack/releases.lock"; }

wanted() { # name profiles
    case ",$2," in *",$profile,"*) ;; *) return 1 ;; esac
    [ ${#only[@]} -eq 0 ] && return 0
    local name
    for name in "${only[@]}"; do [ "$name" = "$1" ] && return 0; done
    return 1
}

for name in ${only[@]+"${only[@]}"}; do
    releases | cut -d' ' -f1 | grep -qx -- "$name" ||
        wrong "--only is $name, but observability/releases.lock has no such release; see its first column"
done

# Alertmanager's configuration as values: the generated routes, one indent deeper.
alertmanager_values() {
    say 'alertmanager:'
    say '  config:'
    sed -e "s/RELEASE-NAMESPACE/$app_namespace/g" -e 's/^/    /' \
        -e "s|http://page-receiver.invalid/|${page_url:-http://page-receiver.invalid/}|" \
        -e "s|http://ticket-receiver.invalid/|${ticket_url:-http://ticket-receiver.invalid/}|" \
        "$here/demo-app/files/alertmanager/alertmanager.yaml"
}

# Pulls one chart, verifies it, and leaves its path in $archive.
pull() { # name chart version digest
    local into=$work/$1 found
    mkdir -p "$into"
    case $2 in
        # An archive's own address already names the version.
        https://*.tgz) helm pull "$2" --destination "$into" >/dev/null ;;
        *) helm pull "$2" --version "$3" --destination "$into" >/dev/null ;;
    esac || fail "$1: $2 $3 could not be pulled; look at the network, or at whether it is still published"
    archive=$(find "$into" -name '*.tgz' | head -n 1)
    [ -n "$archive" ] || fail "$1: $2 was pulled, but there is no archive"
    found=sha256:$(sha256sum "$archive" | cut -d' ' -f1)
    if [ "$4" != - ] && [ "$found" != "$4" ]; then
        fail "$1: the archive's digest is $found, but $4 is pinned; somebody changed it, so do not install it"
    fi
}

install_release() { # name chart version digest namespace
    local values=() file
    for file in "$stack/$1/values.yaml" "$stack/$1/$profile.yaml"; do
        [ -f "$file" ] && values+=(--values "$file")
    done
    if [ "$1" = kube-prometheus-stack ]; then
        alertmanager_values >"$work/alertmanager.yaml"
        values+=(--values "$work/alertmanager.yaml")
    fi
    if $dry_run; then
        archive="$2@$3"
    else
        pull "$1" "$2" "$3" "$4"
    fi
    say "$1 $3: installing into $5, ${timeout} s at most"
    change "${helm[@]}" upgrade --install "$1" "$archive" --namespace "$5" --create-namespace \
        ${values[@]+"${values[@]}"} --wait --timeout "${timeout}s" ||
        fail "$1: not ready after $timeout s; look at kubectl -n $5 get pods,events"
    $dry_run || say "$1 $3: there"
}

install_app() {
    local values=() file
    for file in "${app_values[@]}"; do values+=(--values "$file"); done
    say "demo-app: installing into $app_namespace, ${timeout} s at most"
    change "${helm[@]}" upgrade --install demo-app "$here/demo-app" --namespace "$app_namespace" \
        --create-namespace "${values[@]}" --wait --timeout "${timeout}s" ||
        fail "demo-app: not ready after $timeout s; look at kubectl -n $app_namespace get pods,events"
    $dry_run || say 'demo-app: there'
}

uninstall() { # name namespace
    say "$1: removing from $2"
    change "${helm[@]}" uninstall "$1" --namespace "$2" --ignore-not-found --wait --timeout "${timeout}s" ||
        fail "$1: not gone after $timeout s; look at kubectl -n $2 get all"
}

# Asks a Service through the API server: no port has to be forwarded.
ask() { # namespace service:port path
    "${kubectl[@]}" get --raw "/api/v1/namespaces/$1/services/$2/proxy$3" 2>/dev/null
}

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
trace_found() {
    ask observability tempo:3200 '/api/search?tags=service.name%3Ddemo-app&limit=1' | grep -q '"traceID"'
}
log_found() {
    ask observability loki-gateway:80 \
        "/loki/api/v1/query_range?limit=1&query=%7Bnamespace%3D%22$app_namespace%22%7D" |
        grep -q '"values":\[\['
}

# Tries until it is so or the time is over.
await() { # sentence check
    local tries=0
    printf '%s ' "$1"
    until "$2"; do
        if [ "$SECONDS" -ge "$deadline" ]; then
            say ' no'
            return 1
        fi
        tries=$((tries + 1))
        printf .
        sleep "${SETUP_CLUSTER_PAUSE:-5}"
    done
    say "${tries:+ }yes"
}

verify_all() {
    local failed=0 line name namespace fields
    deadline=$((SECONDS + timeout))
    while read -r line; do
        read -ra fields <<<"$line"
        name=${fields[0]} namespace=${fields[4]}
        wanted "$name" "${fields[5]}" || continue
        "${helm[@]}" status "$name" --namespace "$namespace" >/dev/null 2>&1 ||
            { say "$name: not installed" && failed=1; }
    done < <(releases)
    if ! "${helm[@]}" status demo-app --namespace "$app_namespace" >/dev/null 2>&1; then
        say "demo-app is not in $app_namespace: nobody to scrape, no rules, no trace and no log to look for"
        return "$failed"
    fi
    if [ "$profile" = gmp ]; then
        await 'Google scrapes the demo:' gmp_scrapes || failed=1
        await 'Google has its rules:' gmp_rules || failed=1
    else
        await 'every target of the demo is up:' targets_up || failed=1
        await 'its rules are loaded:' rules_loaded || failed=1
    fi
    # Probes are not traced: somebody has to visit.
    ask "$app_namespace" demo-app:80 / >/dev/null || true
    await 'a trace is found:' trace_found || failed=1
    await 'a line of its log is found:' log_found || failed=1
    return "$failed"
}

$dry_run || "${kubectl[@]}" version >/dev/null 2>&1 ||
    fail 'the cluster does not answer; look at kubectl cluster-info, or name one by --context'

if $teardown; then
    if [ ${#only[@]} -eq 0 ]; then uninstall demo-app "$app_namespace"; fi
    while read -r line; do
        read -ra fields <<<"$line"
        wanted "${fields[0]}" "${fields[5]}" || continue
        uninstall "${fields[0]}" "${fields[4]}"
    done < <(releases | sed '1!G;h;$!d')
    say 'done'
    exit 0
fi

if $install; then
    # Before anything is installed, so that nothing is left half.
    while read -r line; do
        read -ra fields <<<"$line"
        if wanted "${fields[0]}" "${fields[5]}" && [ "${fields[3]}" = - ] && ! $unpinned; then
            fail "${fields[0]}: its digest is not pinned, so nothing is installed; run cargo xtask charts pull --write, or say --unpinned"
        fi
    done < <(releases)
    while read -r line; do
        read -ra fields <<<"$line"
        wanted "${fields[0]}" "${fields[5]}" || continue
        install_release "${fields[0]}" "${fields[1]}" "${fields[2]}" "${fields[3]}" "${fields[4]}"
    done < <(releases)
    if [ ${#app_values[@]} -gt 0 ]; then install_app; fi
fi

if $verify && ! $dry_run; then
    verify_all || exit 3
fi
say 'done'
