#!/usr/bin/env bash
# An environment on GKE, from an empty project to a service that is watched, and back.
#
# Each step looks at what is there, at Google, at GitHub and in the cluster, and does what is
# missing. Nothing is remembered between runs, so a run that was interrupted is run again.
# docs/gke.md walks through it. See --help.
#
# What looks unused here is read by the other files of this folder.
# shellcheck disable=SC2034
set -euo pipefail

usage() {
    cat <<'EOF'
Usage: gke.sh COMMAND --project ID [options]

  up       bootstrap, the environments at GitHub, Terraform, the stack in the cluster
  status   say of each step whether it is there; changes nothing
  verify   ask for what a user sees: HTTPS, a trace, a log line, metrics, Grafana, an alert
  down     remove the environment, and list what is left

  --project ID          project of the environment, which is there already and has billing
  --environment NAME    folder of terraform/environments, and environment at GitHub [dev]
  --repository O/N      repository at GitHub, OWNER/NAME; needed by up
  --region NAME         region of a terraform.tfvars that is not written yet [europe-west1]
  --hostname NAME       name of the service in a terraform.tfvars that is not written yet
  --zone DOMAIN         zone of that name
  --state-bucket NAME   bucket of Terraform's states [ID-state]
  --reviewer LOGIN      who lets the jobs of prod run
  --images REPOSITORY   where the images are that this environment deploys [its own]
  --profile NAME        profile of charts/setup_cluster.sh [the one that Terraform names]
  --page KIND:FILE      who is woken up by pages; FILE has the secret. KIND is slack, webhook, pagerduty,
                        opsgenie or email, as charts/setup_cluster.sh --help describes
  --ticket KIND:FILE    who gets alerts that wait until morning
  --heartbeat KIND:FILE who is called every five minutes while alerting works
  --no-alerts           install although no alert would reach a person
  --timeout SECONDS     for each release, and for each thing that is verified [600]
  --yes                 apply and destroy without asking
  --dry-run             print Terraform's plans, the objects that each chart renders to, and every command
                        that would change something; change nothing
  --help                this text

PAGE_URL, TICKET_URL and HEARTBEAT_URL name webhooks instead, whose addresses are no secrets. Each up
writes the receivers that it is given, so give the same ones again.

Exit codes: 0 done, 1 something failed or is left, 2 the command line is wrong, 3 verification failed
EOF
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
project='' environment=dev repository='' region=europe-west1 hostname='' zone='' state_bucket=''
reviewer='' images='' profile='' timeout=600 alerts=true yes=false dry_run=false
page='' ticket='' heartbeat=''
page_url=${PAGE_URL:-} ticket_url=${TICKET_URL:-} heartbeat_url=${HEARTBEAT_URL:-}
# What the functions of charts/setup call.
kubectl=(kubectl)

for part in common receiver; do
    # shellcheck source=/dev/null
    . "$root/charts/setup/$part.sh"
done
for part in check terraform cluster up status alert verify inventory down; do
    # shellcheck source=/dev/null
    . "$here/$part.sh"
done

# Asks once before what cannot be undone, or costs money.
confirm() { # sentence
    local answer=''
    if $yes || $dry_run; then return 0; fi
    printf '%s Write the id of the project to go on: ' "$1"
    read -r answer || true
    [ "$answer" = "$project" ] || fail "not confirmed, so nothing is changed here; write $project, or say --yes"
}

command=${1:-}
case $command in
    up | status | verify | down) shift ;;
    --help) usage && exit 0 ;;
    '') wrong 'the command is missing; choose one of up, status, verify and down' ;;
    *) wrong "$command is no command; choose one of up, status, verify and down" ;;
esac

while [ $# -gt 0 ]; do
    case $1 in
        --project | --environment | --repository | --region | --hostname | --zone | --state-bucket | \
            --reviewer | --images | --profile | --page | --ticket | --heartbeat | --timeout)
            [ $# -ge 2 ] || wrong "$1 has no value, but needs one; see --help"
            case $1 in
                --project) project=$2 ;;
                --environment) environment=$2 ;;
                --repository) repository=$2 ;;
                --region) region=$2 ;;
                --hostname) hostname=$2 ;;
                --zone) zone=$2 ;;
                --state-bucket) state_bucket=$2 ;;
                --reviewer) reviewer=$2 ;;
                --images) images=$2 ;;
                --profile) profile=$2 ;;
                --page) page=$2 ;;
                --ticket) ticket=$2 ;;
                --heartbeat) heartbeat=$2 ;;
                --timeout) timeout=$2 ;;
            esac
            shift 2
            ;;
        --no-alerts) alerts=false && shift ;;
        --yes) yes=true && shift ;;
        --dry-run) dry_run=true && shift ;;
        --help) usage && exit 0 ;;
        *) wrong "$1 is no option; see --help" ;;
    esac
done

check_options
work=$(mktemp -d)
forwarder=''
# A forwarded port ends with the script.
cleanup() {
    close_forward
    rm -rf "$work"
}
trap cleanup EXIT
# The caller's own configuration of kubectl is left alone.
export KUBECONFIG=$work/kubeconfig

check_project
"${command}_all"
