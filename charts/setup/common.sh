# shellcheck shell=bash disable=SC2154
# What setup_cluster.sh and tools/gke/gke.sh say, run and ask. Sourced by both.

say() { printf '%s\n' "$*"; }
wrong() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 2
}
fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Runs what changes something, or only says so.
change() {
    if $dry_run; then
        say "would run: $*"
    else
        "$@"
    fi
}

# Asks a Service through the API server: no port has to be forwarded.
ask() { # namespace service:port path
    "${kubectl[@]}" get --raw "/api/v1/namespaces/$1/services/$2/proxy$3" 2>/dev/null
}

# Tries until it is so or the time is over: $deadline for all that is tried, or $timeout for each.
await() { # sentence check
    local end=${deadline:-$((SECONDS + timeout))}
    printf '%s ' "$1"
    until "$2"; do
        if [ "$SECONDS" -ge "$end" ]; then
            say ' no'
            return 1
        fi
        printf .
        sleep "${SETUP_CLUSTER_PAUSE:-5}"
    done
    say ' yes'
}
