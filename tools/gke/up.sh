# shellcheck shell=bash disable=SC2154
# From an empty project to a cluster that is watched. Sourced by gke.sh.

step() { # number sentence
    say ""
    say "[$1/5] $2"
}

up_all() {
    # What is refused because of the cluster is refused before anything is changed.
    if read_outputs; then
        connect
        check_interrupted
    fi
    step 1 "bootstrap: bucket $state_bucket, Google's services, identities of $repository"
    up_bootstrap
    step 2 "environment $environment: network, cluster, database, images, zone, certificate"
    up_environment
    step 3 "GitHub: environments and variables of $repository"
    up_github
    step 4 "name servers"
    say_name_servers
    step 5 "stack: metrics, logs, traces, alerts, rights of the pipeline"
    up_stack
    say_next
}

up_github() {
    local args=("$repository")
    if $dry_run; then args+=(--dry-run); fi
    if [ -n "$reviewer" ]; then args+=(--reviewer "$reviewer"); fi
    if [ -f "$folder/terraform.tfvars" ]; then args+=(--tfvars "$folder/terraform.tfvars"); fi
    if [ -n "$images" ]; then
        args+=(--images "$images")
    elif read_outputs; then
        args+=(--images "$(output .registry)/demo-app")
    fi
    if $dry_run && ! has_state bootstrap; then
        say "would run: terraform/bootstrap/github.sh ${args[*]}"
        return
    fi
    "$bootstrap/github.sh" "${args[@]}" || fail 'GitHub: not written to the end; mend what is said above, and run this again'
}

say_name_servers() {
    if ! read_outputs; then
        say 'they are known once the environment is applied'
        return
    fi
    jq --raw-output '.name_servers // [] | .[]' "$work/outputs.json" >"$work/servers"
    if [ ! -s "$work/servers" ]; then
        say 'the zone was there already'
        return
    fi
    say 'the registrar of the domain has to delegate the zone to these; certificates are issued once they answer:'
    sed 's/^/  /' "$work/servers"
}

up_stack() {
    local args=() more=() deployer receiver
    if ! $alerts; then args+=(--no-alerts); fi
    for receiver in page ticket heartbeat; do
        [ -z "${!receiver}" ] || args+=("--$receiver" "${!receiver}")
    done
    if ! read_outputs; then
        $dry_run || fail "the environment has no outputs in gs://$state_bucket/environments/$environment; run this again"
        [ -n "$profile" ] || profile=$(profile_of_environment)
        [ -n "$namespace" ] || namespace=demo
        say "Terraform will name the deployer and more values; this is profile $profile without them"
        if [ "$profile" = gmp ]; then more=(--project "$project"); fi
        setup ${more[@]+"${more[@]}"} --dry-run "${args[@]}" ||
            fail 'stack: could not be installed; mend what is said above'
        return
    fi
    if $dry_run; then args+=(--dry-run); fi
    connect
    check_interrupted
    deployer=$(bootstrap_output deployers | jq --raw-output --arg name "$environment" '.[$name] // empty') ||
        fail 'the bootstrap has no output deployers; run this again'
    [ -n "$deployer" ] ||
        fail "the bootstrap has no deployer $environment, so the pipeline would have no right in the cluster; set deploy = true of that environment"
    stack_values
    setup "${more[@]}" --deployer "$deployer" --no-verify "${args[@]}" ||
        fail 'stack: not installed to the end; mend what is said above, and run this again'
}

say_next() {
    local released=''
    say ''
    if $dry_run; then
        say 'nothing was changed'
        return
    fi
    releases_in_cluster &&
        released=$(jq --raw-output --arg in "$namespace" 'first(.[] | select(.name == "demo-app" and .namespace == $in) | .status) // empty' "$work/releases.json")
    if [ -z "$released" ]; then
        say "done; the service comes with the pipeline, by a push to main of $repository"
    else
        say "done; the service is $released: tools/gke/gke.sh verify --project $project --environment $environment"
    fi
}
