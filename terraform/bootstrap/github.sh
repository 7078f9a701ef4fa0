#!/usr/bin/env bash
# Writes the environments of the repository at GitHub, and their variables, from the outputs
# of this folder. Running it again changes what has changed.
#
#   ./github.sh OWNER/NAME [REVIEWER]     REVIEWER, a login, lets the jobs of prod run
#
# What an environment's Terraform says, IMAGE_REPOSITORY, is set when it is applied:
#   gh variable set IMAGE_REPOSITORY --repo OWNER/NAME --env dev --body "$(terraform output -raw registry)/demo-app"
# and TFVARS is yours to fill in, from terraform.tfvars.example.
set -euo pipefail

wrong() {
    printf 'github.sh: %s\n' "$*" >&2
    exit 2
}

repo=${1:-} reviewer=${2:-}
[[ $repo =~ ^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$ ]] || wrong "the repository is $repo, but it is named OWNER/NAME; see the first lines"
for tool in gh jq terraform; do
    command -v "$tool" >/dev/null || wrong "$tool is not in PATH; install it"
done
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

github=$(terraform -chdir="$here" output -json github)
reviewers='[]'
if [ -n "$reviewer" ]; then
    id=$(gh api "users/$reviewer" --jq .id)
    reviewers="[{\"type\": \"User\", \"id\": $id}]"
fi

while read -r name; do
    wait_for='[]'
    if [ "$name" = prod ]; then wait_for=$reviewers; fi
    # Plans of pull requests run from any branch; IAM lets them read and nothing else.
    if jq --exit-status --arg name "$name" '.[$name].refs | any(. == "refs/pull/*")' <<<"$github" >/dev/null; then
        policy=null
    else
        policy='{"protected_branches": false, "custom_branch_policies": true}'
    fi
    jq --null-input --argjson reviewers "$wait_for" --argjson policy "$policy" \
        '{reviewers: $reviewers, deployment_branch_policy: $policy}' |
        gh api --method PUT "repos/$repo/environments/$name" --input - >/dev/null
    if [ "$policy" != null ]; then
        while IFS=$'\t' read -r type ref; do
            # One that is there already is refused, which is fine.
            gh api --method POST "repos/$repo/environments/$name/deployment-branch-policies" \
                --field "name=$ref" --field "type=$type" >/dev/null 2>&1 || true
        done < <(jq --raw-output --arg name "$name" '.[$name].refs[]
            | if startswith("refs/tags/") then ["tag", ltrimstr("refs/tags/")] else ["branch", ltrimstr("refs/heads/")] end
            | @tsv' <<<"$github")
    fi
    while IFS=$'\t' read -r key value; do
        gh variable set "$key" --repo "$repo" --env "$name" --body "$value"
    done < <(jq --raw-output --arg name "$name" '.[$name].variables | to_entries[] | [.key, .value] | @tsv' <<<"$github")
    printf '%s: there\n' "$name"
done < <(jq --raw-output 'keys[]' <<<"$github")
