# shellcheck shell=bash disable=SC2154
# What is left at Google after an environment is gone. Sourced by gke.sh.

# Lists one kind, a name a line, into $work/left; a kind that cannot be listed is a failure too,
# since its number is unknown then.
left_of() { # kind gcloud's arguments...
    local kind=$1 count
    shift
    if ! gcloud "$@" --project "$project" --format 'value(name)' >"$work/names" 2>"$work/error"; then
        # Without the service nothing of it is there.
        if grep -q 'SERVICE_DISABLED\|has not been used in project' "$work/error"; then
            : >"$work/names"
        else
            say "$kind: cannot be listed: $(tail -n 1 "$work/error")"
            left+=("$kind, which cannot be listed")
            return
        fi
    fi
    count=$(grep -c . "$work/names" || true)
    printf '%-24s %s\n' "$kind" "$count"
    while read -r entry; do
        [ -n "$entry" ] || continue
        printf '  %s\n' "$entry"
        left+=("$kind $entry")
    done <"$work/names"
}

# Records are asked for in each zone that is still there, by the service's name.
records_left() { # hostname
    local zone_name
    gcloud dns managed-zones list --project "$project" --format 'value(name)' >"$work/zones" 2>/dev/null || : >"$work/zones"
    while read -r zone_name; do
        [ -n "$zone_name" ] || continue
        left_of "records in $zone_name" dns record-sets list --zone "$zone_name" --filter "name:$1"
    done <"$work/zones"
}

# Everything of this environment costs money or blocks the network's name.
inventory() { # environment's name, hostname
    left=()
    say ''
    say "what is left of $1 in $project:"
    left_of clusters container clusters list --filter "name=$1"
    left_of databases sql instances list --filter "name~^$1"
    left_of disks compute disks list --filter "labels.goog-k8s-cluster-name=$1 OR name~^pvc- OR name~^gke-$1"
    left_of 'endpoint groups' compute network-endpoint-groups list --filter "network~/$1\$"
    left_of 'forwarding rules' compute forwarding-rules list --filter "name~^$1 OR name~^gkegw"
    left_of 'backend services' compute backend-services list --filter 'name~^gkegw'
    left_of addresses compute addresses list --filter "name~^$1"
    left_of 'firewall rules' compute firewall-rules list --filter "network~/$1\$"
    left_of routers compute routers list --filter "network~/$1\$"
    left_of networks compute networks list --filter "name=$1"
    left_of certificates certificate-manager certificates list --filter "name~$1"
    left_of repositories artifacts repositories list --filter "name~/$1\$"
    records_left "$2"
    if [ ${#left[@]} -eq 0 ]; then
        say 'nothing is left'
        return 0
    fi
    return 1
}
