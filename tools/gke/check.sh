# shellcheck shell=bash disable=SC2034,SC2154
# What gke.sh refuses before it changes anything. Sourced.

folder=''
bootstrap=''
number=''

check_options() {
    local tool
    [[ $project =~ ^[a-z][a-z0-9-]{4,28}[a-z0-9]$ ]] ||
        wrong "--project is '$project', but an id has 6 to 30 lower-case letters, digits and hyphens; gcloud projects list prints yours"
    folder=$root/terraform/environments/$environment bootstrap=$root/terraform/bootstrap
    if ! [[ $environment =~ ^[a-z0-9-]+$ ]] || [ ! -d "$folder" ]; then
        wrong "--environment is $environment, but terraform/environments has no such folder; look there"
    fi
    if [ -n "$repository" ] || [ "$command" = up ]; then
        [[ $repository =~ ^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$ ]] ||
            wrong "--repository is '$repository', but a repository is named OWNER/NAME; gh repo view prints yours"
    fi
    case $timeout in
        '' | *[!0-9]*) wrong "--timeout is $timeout, but seconds are a whole number; write it like 600" ;;
    esac
    check_receiver --page "$page" PAGE_URL "$page_url"
    check_receiver --ticket "$ticket" TICKET_URL "$ticket_url"
    check_receiver --heartbeat "$heartbeat" HEARTBEAT_URL "$heartbeat_url"
    [ -n "$state_bucket" ] || state_bucket=$project-state
    check_tfvars
    if [ "$command" = up ] && $alerts && ! $dry_run && ! alerts_reach_a_person; then
        wrong '--page or --ticket is missing, and PAGE_URL or TICKET_URL too, but without both some alert reaches no person; give them, or say --no-alerts'
    fi
    for tool in gcloud gke-gcloud-auth-plugin terraform jq kubectl helm curl; do
        command -v "$tool" >/dev/null || wrong "$tool is not in PATH, but $command needs it; install it"
    done
    if [ "$command" = up ]; then
        command -v gh >/dev/null || wrong 'gh is not in PATH, but up writes the environments at GitHub with it; install it'
    fi
}

# The id that a file of variables names.
project_of() { # file
    sed -n -e 's/#.*//' -e 's/.*[[:space:]{]id *= *"\([^"]*\)".*/\1/p' "$1" | head -n 1
}

# An environment's variables belong to one project.
check_tfvars() {
    local named
    if [ -f "$folder/terraform.tfvars" ]; then
        named=$(project_of "$folder/terraform.tfvars")
        [ "$named" = "$project" ] ||
            wrong "--project is $project, but terraform/environments/$environment/terraform.tfvars names '$named'; a project holds one environment, so name that one, or move the file away"
    elif [ "$command" = up ] && { [ -z "$hostname" ] || [ -z "$zone" ]; }; then
        wrong "terraform/environments/$environment/terraform.tfvars is missing; write it from terraform.tfvars.example, or give --hostname and --zone"
    fi
    if [ -n "$hostname" ] && [ -n "$zone" ] && [[ ".$hostname" != *".$zone" ]]; then
        wrong "--hostname is $hostname, but --zone is $zone; a name is served from a zone that it ends in"
    fi
}

# What no command can go on without.
check_project() {
    local state billing owner
    gcloud projects describe "$project" --format='value(projectNumber,lifecycleState)' >"$work/project" 2>"$work/error" ||
        fail "project $project cannot be read, so nothing is changed; look at gcloud auth list and at its id: $(tail -n 1 "$work/error")"
    read -r number state <"$work/project"
    [ "$state" = ACTIVE ] || fail "project $project is $state, so nothing is changed; choose one that is active"
    if [ "$command" = up ]; then
        billing=$(gcloud billing projects describe "$project" --format='value(billingEnabled)' 2>/dev/null) || billing=unknown
        [ "$billing" = True ] ||
            fail "project $project has no billing account (billingEnabled is $billing), so nothing is changed; link one by gcloud billing projects link $project"
    fi
    # Names of buckets are unique in the world.
    owner=$(gcloud storage buckets describe "gs://$state_bucket" --raw --format='value(projectNumber)' 2>/dev/null) || owner=''
    if [ -n "$owner" ] && [ "$owner" != "$number" ]; then
        fail "bucket $state_bucket belongs to project number $owner, and $project is $number, so nothing is changed; name another by --state-bucket"
    fi
}
