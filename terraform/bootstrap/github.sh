#!/usr/bin/env bash
# Writes the environments of the repository at GitHub, and their variables, from the outputs
# of this folder. Running it again changes what has changed. See --help.
set -euo pipefail

usage() {
    cat <<'EOF'
Usage: github.sh OWNER/NAME [options]

  --reviewer LOGIN      who lets the jobs of prod run
  --tfvars FILE         variable TFVARS of each environment that plans or applies
  --images REPOSITORY   variable IMAGE_REPOSITORY of each environment that pushes or deploys images:
                        terraform output registry of an environment, and /demo-app
  --dry-run             print every command that would change something; change nothing
  --help                this text

Exit codes: 0 done, 1 something failed, 2 the command line is wrong
EOF
}

wrong() {
    printf 'github.sh: %s\n' "$*" >&2
    exit 2
}
fail() {
    printf 'github.sh: %s\n' "$*" >&2
    exit 1
}

repo='' reviewer='' tfvars='' images='' dry_run=false
while [ $# -gt 0 ]; do
    case $1 in
        --reviewer | --tfvars | --images)
            [ $# -ge 2 ] || wrong "$1 has no value, but needs one; see --help"
            case $1 in
                --reviewer) reviewer=$2 ;;
                --tfvars) tfvars=$2 ;;
                --images) images=$2 ;;
            esac
            shift 2
            ;;
        --dry-run) dry_run=true && shift ;;
        --help) usage && exit 0 ;;
        -*) wrong "$1 is no option; see --help" ;;
        *)
            [ -z "$repo" ] || wrong "$1 is one argument too many; a reviewer is --reviewer $1"
            repo=$1 && shift
            ;;
    esac
done
[[ $repo =~ ^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$ ]] || wrong "the repository is '$repo', but it is named OWNER/NAME; gh repo view prints yours"
[ -z "$tfvars" ] || [ -r "$tfvars" ] || wrong "--tfvars is $tfvars, but it cannot be read; name a file that is there"
for tool in gh jq terraform; do
    command -v "$tool" >/dev/null || wrong "$tool is not in PATH; install it"
done
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Runs what changes something, or only says so.
change() {
    if $dry_run; then
        printf 'would run: %s\n' "$*"
    else
        "$@" >/dev/null
    fi
}

github=$(terraform -chdir="$here" output -json github) || fail 'the bootstrap has no output github; apply it first'
reviewers='[]'
if [ -n "$reviewer" ]; then
    id=$(gh api "users/$reviewer" --jq .id) || fail "reviewer $reviewer is no user of GitHub, so nothing is written; name a login"
    reviewers="[{\"type\": \"User\", \"id\": $id}]"
fi

# Branches and tags from which jobs run in it; one that is there already is not written again.
write_policies() { # name
    local there type ref
    if $dry_run; then
        there=''
    else
        there=$(gh api --paginate "repos/$repo/environments/$1/deployment-branch-policies" --jq '.branch_policies[] | "\(.type) \(.name)"') ||
            fail "$1: its branch policies cannot be read, as only an administrator of the repository may; look at gh auth status"
    fi
    while IFS=$'\t' read -r type ref; do
        if grep -qxF "$type $ref" <<<"$there"; then continue; fi
        change gh api --method POST "repos/$repo/environments/$1/deployment-branch-policies" \
            --field "name=$ref" --field "type=$type" ||
            fail "$1: the policy for $type $ref is not written, so no job of it would run; look at the rights of gh auth status"
    done < <(jq --raw-output --arg name "$1" '.[$name].refs[]
        | if startswith("refs/tags/") then ["tag", ltrimstr("refs/tags/")] else ["branch", ltrimstr("refs/heads/")] end
        | @tsv' <<<"$github")
}

set_variable() { # environment key value
    change gh variable set "$2" --repo "$repo" --env "$1" --body "$3" || fail "$1: variable $2 is not written"
}

while read -r name; do
    wait_for='[]'
    if [ "$name" = prod ]; then wait_for=$reviewers; fi
    # Plans of pull requests run from any branch; IAM lets them read and nothing else.
    if jq --exit-status --arg name "$name" '.[$name].refs | any(. == "refs/pull/*")' <<<"$github" >/dev/null; then
        policy=null
    else
        policy='{"protected_branches": false, "custom_branch_policies": true}'
    fi
    body=$(jq --null-input --argjson reviewers "$wait_for" --argjson policy "$policy" \
        '{reviewers: $reviewers, deployment_branch_policy: $policy}')
    change gh api --method PUT "repos/$repo/environments/$name" --input - <<<"$body" ||
        fail "$name: the environment is not written, as only an administrator of the repository may; look at gh auth status"
    if [ "$policy" != null ]; then write_policies "$name"; fi
    while IFS=$'\t' read -r key value; do
        set_variable "$name" "$key" "$value"
    done < <(jq --raw-output --arg name "$name" '.[$name].variables | to_entries[] | [.key, .value] | @tsv' <<<"$github")
    if [ -n "$tfvars" ] && jq --exit-status --arg name "$name" '.[$name].variables | has("STATE_BUCKET")' <<<"$github" >/dev/null; then
        set_variable "$name" TFVARS "$(<"$tfvars")"
    fi
    if [ -n "$images" ] && [ "$policy" != null ]; then set_variable "$name" IMAGE_REPOSITORY "$images"; fi
    $dry_run || printf '%s: there\n' "$name"
done < <(jq --raw-output 'keys[]' <<<"$github")
