# shellcheck shell=bash disable=SC2154
# The two folders of Terraform that an environment is made of. Sourced by gke.sh.

# Whether a state is in the bucket already.
has_state() { # prefix
    gcloud storage objects describe "gs://$state_bucket/$1/default.tfstate" --format='value(name)' >/dev/null 2>&1
}

init() { # dir prefix more...
    local dir=$1 prefix=$2
    shift 2
    terraform -chdir="$dir" init -input=false "$@" -backend-config="bucket=$state_bucket" \
        -backend-config="prefix=$prefix" >"$work/init" 2>&1 ||
        fail "terraform init in ${dir#"$root/"} failed: $(grep -m 1 -A 2 Error "$work/init" | tr -s ' \n' '  ')"
}

# Plans, asks, and applies what was planned.
apply() { # name dir more...
    local name=$1 dir=$2 code=0
    shift 2
    if $dry_run; then
        terraform -chdir="$dir" plan -input=false -lock=false "$@" || fail "$name: no plan; see above"
        return
    fi
    terraform -chdir="$dir" plan -input=false -detailed-exitcode -out="$work/$name.plan" "$@" || code=$?
    case $code in
        0) say "$name: there, nothing to change" ;;
        2)
            confirm "$name: this plan is applied."
            terraform -chdir="$dir" apply -input=false "$work/$name.plan" ||
                fail "$name: not applied to the end; mend what is said above, and run this again"
            say "$name: there"
            ;;
        *) fail "$name: no plan; see above" ;;
    esac
}

# Plans a folder whose state has no bucket yet, in a copy, so that nothing of the checkout changes.
plan_copy() { # name dir more...
    local name=$1 copy=$work/plan/${2#"$root/"}
    shift 2
    if [ ! -d "$work/plan" ]; then
        mkdir "$work/plan"
        # What terraform init left is of another backend.
        tar -C "$root" --exclude=.terraform -cf - terraform | tar -C "$work/plan" -xf -
    fi
    printf 'terraform {\n  backend "local" {}\n}\n' >"$copy/backend_override.tf"
    terraform -chdir="$copy" init -input=false >"$work/init" 2>&1 ||
        fail "terraform init in a copy of terraform/${copy#"$work/plan/terraform/"} failed: $(grep -m 1 -A 2 Error "$work/init" | tr -s ' \n' '  ')"
    terraform -chdir="$copy" plan -input=false -lock=false "$@" || fail "$name: no plan; see above"
}

# The bootstrap's variables: a file of yours that names this project, or those of one
# environment that builds its images unless --images names others.
bootstrap_variables() {
    local ids
    variables=()
    if [ -f "$bootstrap/terraform.tfvars" ] && [ "$(project_of "$bootstrap/terraform.tfvars")" = "$project" ]; then return; fi
    ids=$(gh api "repos/$repository" --jq '"\(.id) \(.owner.id)"') ||
        fail "repository $repository cannot be read, so nothing is changed; look at its name and at gh auth status"
    jq --null-input --arg project "$project" --arg number "$number" --arg bucket "$state_bucket" --arg region "$region" \
        --arg ids "$ids" --arg name "$environment" --argjson publish "$([ -n "$images" ] && echo false || echo true)" '
        ($ids / " ") as [$repository_id, $owner_id] | {
            project: {id: $project, number: $number},
            state: {bucket: $bucket, location: $region},
            github: {repository_id: $repository_id, owner_id: $owner_id},
            environments: ({
                "\($name)-plan": {refs: ["refs/heads/main", "refs/pull/*"], terraform: "read", state_prefix: "environments/\($name)"},
                ($name): {refs: ["refs/heads/main"], terraform: "write", state_prefix: "environments/\($name)",
                    accounts: ["demo-\($name)-nodes", "demo-app", "demo-app-migrator"], deploy: true}
            } + if $publish then {publish: {refs: ["refs/heads/main", "refs/tags/v*"]}} else {} end)
        }' >"$work/bootstrap.tfvars.json"
    variables=(-var-file="$work/bootstrap.tfvars.json")
}

# Its bucket is made by itself, so its first state is a file, which then moves there.
up_bootstrap() {
    local backend=$bootstrap/backend_override.tf other
    bootstrap_variables
    if has_state bootstrap; then
        write_backend "$backend"
        init "$bootstrap" bootstrap -reconfigure
        apply bootstrap "$bootstrap" ${variables[@]+"${variables[@]}"}
        return
    fi
    if [ -f "$bootstrap/terraform.tfstate" ]; then
        other=$(jq --raw-output '[.resources[]?.instances[].attributes.project // empty] | first // ""' "$bootstrap/terraform.tfstate")
        case $other in
            '' | "$project") ;;
            *) fail "terraform/bootstrap/terraform.tfstate is of project $other, whose bootstrap was not finished, so nothing is changed; run up for that project first" ;;
        esac
    fi
    if $dry_run; then
        plan_copy bootstrap "$bootstrap" ${variables[@]+"${variables[@]}"}
        say "would run: terraform -chdir=terraform/bootstrap apply, for bucket $state_bucket and the identities of $repository"
        say "would run: terraform -chdir=terraform/bootstrap init -migrate-state, into gs://$state_bucket/bootstrap"
        return
    fi
    # What is left of another project's bucket; -reconfigure forgets a backend only for another one.
    rm -f "$backend" "$bootstrap/.terraform/terraform.tfstate"
    terraform -chdir="$bootstrap" init -input=false -reconfigure >/dev/null || fail 'terraform init in terraform/bootstrap failed; see above'
    apply bootstrap "$bootstrap" ${variables[@]+"${variables[@]}"}
    write_backend "$backend"
    init "$bootstrap" bootstrap -migrate-state -force-copy
    has_state bootstrap ||
        fail "bootstrap: its state is not in gs://$state_bucket, and still in terraform/bootstrap/terraform.tfstate; run this again"
    say "bootstrap: its state is in gs://$state_bucket/bootstrap"
}

# Terraform merges a file of this name into the others. It is in .gitignore: bucket and
# prefix are those of one project.
write_backend() { # file
    # shellcheck disable=SC2016
    [ -f "$1" ] || change sh -c 'printf "terraform {\n  backend \"gcs\" {}\n}\n" >"$1"' sh "$1"
}

bootstrap_output() { # name
    terraform -chdir="$bootstrap" output -json "$1"
}

# Written once; from then on it is yours.
write_tfvars() {
    local sets
    [ ! -f "$folder/terraform.tfvars" ] || return 0
    if $dry_run; then
        say "would run: write terraform/environments/$environment/terraform.tfvars for $hostname in $zone"
        return
    fi
    sets=$(bootstrap_output principal_sets) || fail 'the bootstrap has no output principal_sets; run up again'
    tfvars "$sets" >"$folder/terraform.tfvars"
    say "terraform/environments/$environment/terraform.tfvars: written; keep it, GitHub gets a copy"
}

# Prints the environment's variables.
tfvars() { # principal sets
    jq --raw-output --arg project "$project" --arg number "$number" --arg region "$region" --arg hostname "$hostname" \
        --arg zone "$zone" --arg name "$environment" '
        "project  = { id = \($project | tojson), number = \($number | tojson) }",
        "region   = \($region | tojson)",
        "hostname = \($hostname | tojson)",
        "zone     = { domain = \($zone | tojson) }",
        "pipeline = {",
        (if .publish then "  publish = \(.publish | tojson)" else empty end),
        (if .[$name] then "  apply   = \(.[$name] | tojson)" else empty end),
        "}"' <<<"$1"
}

up_environment() {
    write_tfvars
    if $dry_run && ! has_state bootstrap; then
        variables=()
        if [ ! -f "$folder/terraform.tfvars" ]; then
            # The bootstrap names the jobs of the pipeline, so their grants are not in this plan.
            tfvars '{}' >"$work/planned.tfvars"
            variables=(-var-file="$work/planned.tfvars")
            say 'the plan lacks the grants of the pipeline, whose names are outputs of the bootstrap'
        fi
        plan_copy "$environment" "$folder" ${variables[@]+"${variables[@]}"}
        say "would run: terraform -chdir=terraform/environments/$environment apply"
        return
    fi
    init "$folder" "environments/$environment" -reconfigure
    apply "$environment" "$folder"
}

# Reads the outputs of the environment into $work/outputs.json; fails where it is not applied.
read_outputs() {
    has_state "environments/$environment" || return 1
    gcloud storage cat "gs://$state_bucket/environments/$environment/default.tfstate" >"$work/state.json" 2>/dev/null || return 1
    jq '.outputs | map_values(.value)' "$work/state.json" >"$work/outputs.json" &&
        jq --exit-status 'has("cluster") and has("profile")' "$work/outputs.json" >/dev/null
}

output() { # filter
    jq --raw-output "$1 // empty" "$work/outputs.json"
}
