#!/usr/bin/env bash
# Puts into a cluster what a service needs there: metrics, logs, traces, dashboards,
# alerts, autoscaling, names and certificates, rights of the pipeline, and the demo
# itself where asked for.
#
# What and at which version: observability/releases.lock. Each archive is pulled,
# compared with its digest and installed, in the order of the lock. Running it again
# changes what has changed and nothing else. See --help.
#
# What looks unused here is read by the files in setup/.
# shellcheck disable=SC2034
set -euo pipefail

usage() {
    cat <<'EOF'
Usage: setup_cluster.sh --profile PROFILE [options]

  --profile PROFILE     autopilot, standard, gmp, local, or promtail (standard, with Promtail for logs);
                        terraform output -raw profile prints the one of an environment
  --project ID          project whose metrics Grafana asks for; needed with gmp
  --with RELEASE        install this optional release too: cert-manager or external-dns; may be given again
  --values-for R=FILE   more values for release R, such as those of terraform output stack_values
  --deployer NAME       user of the pipeline, as terraform output deployers of the bootstrap prints it:
                        gets the rights to deploy the demo and none beyond; may be given again
  --keda-http           let the demo's routes use KEDA's HTTP interceptor, as autoscaling.by keda-http needs
  --app-values FILE     install charts/demo-app as well, with these values; may be given again
  --app-digest DIGEST   the demo's image; needed with values that name a repository and no digest
  --app-namespace NAME  namespace of the demo [demo]
  --context NAME        context of kubectl and helm [the current one]
  --page KIND:FILE      who is woken up by pages, and by the stack's own critical alerts. FILE has the secret
                        on one line. KIND is slack or webhook (the address), pagerduty or opsgenie (the
                        key), or email (lines to=, from=, smarthost=HOST:PORT, username=, password=)
  --ticket KIND:FILE    who gets alerts that wait until morning, and the stack's own warnings
  --heartbeat KIND:FILE who is called every five minutes while alerting works
  --page-url URL        instead of --page: a webhook whose address is no secret [$PAGE_URL]
  --ticket-url URL      instead of --ticket [$TICKET_URL]
  --heartbeat-url URL   instead of --heartbeat [$HEARTBEAT_URL]
  --no-alerts           install outside local although no alert would reach a person
  --timeout SECONDS     for each release, and for all of what is verified [600]
  --only RELEASE        this release of the lock and no other; may be given again
  --unpinned            install releases too whose digest is not pinned yet, and print the digests
  --pin                 pull what is not pinned, write its digest into the lock, install nothing
  --render DIR          write what would be installed into DIR; needs no cluster
  --dry-run             pull and render each chart, count its objects, and print every command that would
                        change something; change nothing, and ask no cluster
  --verify              install nothing, only verify
  --no-verify           install and do not verify
  --teardown            remove what this script installed, in reverse order. Volumes, namespaces
                        and definitions of custom resources stay: they hold data of yours
  --volumes             with --teardown: delete the stack's volumes too
  --help                this text

Exit codes: 0 done, 1 something failed, 2 the command line is wrong, 3 verification failed
EOF
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
stack=$here/observability
profiles='autopilot standard gmp local promtail'
# Only for those who use them: names and certificates are Terraform's by default.
optional='cert-manager external-dns'
profile='' project='' app_namespace=demo app_digest='' context='' timeout=600 render=''
page='' ticket='' heartbeat=''
page_url=${PAGE_URL:-} ticket_url=${TICKET_URL:-} heartbeat_url=${HEARTBEAT_URL:-}
keda_http=false dry_run=false teardown=false volumes=false unpinned=false pin=false renders=false install=true verify=true alerts=true
app_values=() only=() with=() more_values=() deployers=()

for part in common install receiver alerts verify check; do
    # shellcheck source=/dev/null
    . "$here/setup/$part.sh"
done

while [ $# -gt 0 ]; do
    case $1 in
        --profile | --project | --with | --values-for | --deployer | --app-values | --app-digest | --app-namespace | --context | \
            --page | --ticket | --heartbeat | --page-url | --ticket-url | --heartbeat-url | --timeout | --only | --render)
            [ $# -ge 2 ] || wrong "$1 has no value, but needs one; see --help"
            case $1 in
                --profile) profile=$2 ;;
                --project) project=$2 ;;
                --with) with+=("$2") ;;
                --values-for) more_values+=("$2") ;;
                --deployer) deployers+=("$2") ;;
                --app-values) app_values+=("$2") ;;
                --app-digest) app_digest=$2 ;;
                --app-namespace) app_namespace=$2 ;;
                --context) context=$2 ;;
                --page) page=$2 ;;
                --ticket) ticket=$2 ;;
                --heartbeat) heartbeat=$2 ;;
                --page-url) page_url=$2 ;;
                --ticket-url) ticket_url=$2 ;;
                --heartbeat-url) heartbeat_url=$2 ;;
                --timeout) timeout=$2 ;;
                --only) only+=("$2") ;;
                --render) render=$2 ;;
            esac
            shift 2
            ;;
        --keda-http) keda_http=true && shift ;;
        --dry-run) dry_run=true && shift ;;
        --teardown) teardown=true && shift ;;
        --volumes) volumes=true && shift ;;
        --unpinned) unpinned=true && shift ;;
        --pin) pin=true && shift ;;
        --verify) install=false && shift ;;
        --no-verify) verify=false && shift ;;
        --no-alerts) alerts=false && shift ;;
        --help) usage && exit 0 ;;
        *) wrong "$1 is no option; see --help" ;;
    esac
done

# The lock, without comments: name chart version digest namespace profiles.
releases() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$stack/releases.lock"; }

named() { # name list...
    local name=$1 entry
    shift
    for entry in "$@"; do [ "$entry" = "$name" ] && return 0; done
    return 1
}

is_optional() { # name
    case " $optional " in *" $1 "*) return 0 ;; *) return 1 ;; esac
}

# Whether a release is of the profile and of --only.
possible() { # name profiles
    case ",$2," in *",$profile,"*) ;; *) return 1 ;; esac
    [ ${#only[@]} -eq 0 ] || named "$1" "${only[@]}"
}

# Whether it is installed as well: an optional one only where it is asked for.
wanted() { # name profiles
    possible "$1" "$2" || return 1
    ! is_optional "$1" || named "$1" ${with[@]+"${with[@]}"} ${only[@]+"${only[@]}"}
}

check_options

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

helm=(helm) kubectl=(kubectl)
if [ -n "$context" ]; then
    helm+=(--kube-context "$context")
    kubectl+=(--context "$context")
fi

if $pin; then
    pin_releases
    exit 0
fi
if [ -n "$render" ]; then
    each_release render_release
    exit 0
fi

$dry_run || "${kubectl[@]}" version >/dev/null 2>&1 ||
    fail 'the cluster does not answer; look at kubectl cluster-info, or name one by --context'

if $teardown; then
    teardown_all
    say 'done'
    exit 0
fi

if $install; then
    check_before_install
    each_release install_release
    if [ "$profile" != local ] && [ ${#only[@]} -eq 0 ]; then install_policy; fi
    if [ "$profile" = gmp ] && [ ${#only[@]} -eq 0 ]; then
        install_frontend
        install_managed_alerts
    fi
    if [ ${#deployers[@]} -gt 0 ] || $keda_http; then install_access; fi
    if [ ${#app_values[@]} -gt 0 ]; then install_app; fi
fi

if $verify && ! $dry_run; then
    verify_all || exit 3
fi
say 'done'
