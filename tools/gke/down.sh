# shellcheck shell=bash disable=SC2034,SC2154
# Removes an environment, in the order in which nothing blocks what comes after it. Sourced
# by gke.sh.

down_all() {
    local name host
    if ! read_outputs; then
        say "environment $environment is not there, or has no outputs any more"
        name=$(name_of_environment) host=${hostname:-$(hostname_of_tfvars)}
        if [ -s "$work/state.json" ] && [ -f "$folder/terraform.tfvars" ]; then
            check_protection
            destroy
        fi
        finish "$name" "$host"
        return
    fi
    name=$(output .cluster.name) host=$(output .base_url)
    host=${host#https://}
    [ "$(output .cluster.project)" = "$project" ] ||
        fail "the state in $state_bucket is of project $(output .cluster.project), and --project is $project, so nothing is changed; name the bucket of $project by --state-bucket"
    [ -f "$folder/terraform.tfvars" ] ||
        fail "terraform/environments/$environment/terraform.tfvars is missing, so nothing is changed; write it from terraform.tfvars.example, or from variable TFVARS at GitHub"
    check_protection
    confirm "$environment is destroyed: cluster, database, images, logs and traces of $project."
    yes=true
    down_cluster
    destroy
    finish "$name" "$host"
}

# Two settings of Terraform and three of Google keep an environment from a mistaken destroy.
check_protection() {
    local protected
    protected=$(jq --raw-output '[.resources[] | select(.mode == "managed")
        | "\(.type).\(.name)" as $name | .instances[].attributes
        | select(.deletion_protection == true or .deletion_policy == "PREVENT"
            or any(.settings[]?; .deletion_protection_enabled == true)) | $name] | unique | join(", ")' "$work/state.json")
    [ -z "$protected" ] ||
        fail "$environment is protected ($protected), so nothing is changed; set deletion_protection = false in terraform/environments/$environment/main.tf, run up, and then this again"
}

# Load balancers, their endpoint groups and disks are Kubernetes' own: it has to remove them
# while it is there.
down_cluster() {
    local name location args=()
    name=$(output .cluster.name) location=$(output .cluster.location)
    if ! gcloud container clusters describe "$name" --location "$location" --project "$project" --format='value(name)' >/dev/null 2>&1; then
        say 'the cluster is gone already'
        return
    fi
    connect
    check_interrupted
    if $dry_run; then args+=(--dry-run); fi
    # The name of a deployer is no matter here: it says that cluster-access goes too.
    setup --teardown --volumes --deployer "$environment" "${args[@]}" ||
        fail 'stack: not removed to the end; mend what is said above, and run this again'
    if $dry_run; then return; fi
    await "the load balancer's endpoint groups are gone:" groups_are_gone ||
        fail "endpoint groups are still there, which keep the network from being deleted; look at kubectl --namespace $namespace get gateway,ingress,servicenetworkendpointgroups"
    await 'the volumes are gone:' volumes_are_gone ||
        fail 'volumes are still there, whose disks would stay; look at kubectl get persistentvolumes'
}

groups_are_gone() {
    [ -z "$(gcloud compute network-endpoint-groups list --project "$project" --filter "network~/$(output .cluster.name)\$" --format 'value(name)')" ]
}

# Those of the service's namespaces: a volume that a person made elsewhere is not waited for.
volumes_are_gone() {
    kubectl get persistentvolumes --output json |
        jq --exit-status 'all(.items[]; .spec.claimRef.namespace != "observability")' >/dev/null
}

destroy() {
    if $dry_run; then
        say "would run: terraform -chdir=terraform/environments/$environment destroy"
        return
    fi
    confirm "$environment: what is left in its state is destroyed."
    init "$folder" "environments/$environment" -reconfigure
    terraform -chdir="$folder" destroy -input=false -auto-approve ||
        fail "$environment: not destroyed to the end; mend what is said above, and run this again"
}

name_of_environment() {
    sed -n 's/^  name *= *"\([^"]*\)".*/\1/p' "$folder/main.tf" | head -n 1
}

hostname_of_tfvars() {
    [ ! -f "$folder/terraform.tfvars" ] || sed -n 's/^hostname *= *"\([^"]*\)".*/\1/p' "$folder/terraform.tfvars" | head -n 1
}

finish() { # environment's name, hostname
    if $dry_run; then
        say "would list what is left of $1 in $project"
        return
    fi
    if ! inventory "$1" "$2"; then
        fail "$environment is not gone: ${#left[@]} left (${left[0]}$([ ${#left[@]} -eq 1 ] || printf ' and others above')); delete them by gcloud, or run this again"
    fi
    say "the bootstrap stays: bucket $state_bucket, Google's services and the identities; terraform/bootstrap/README.md says how it goes"
}
