# shellcheck shell=bash disable=SC2154
# Pulls, renders, installs and removes releases. Sourced by setup_cluster.sh.

# Calls a function with each wanted release's fields, in the order of the lock.
each_release() { # function
    local line fields
    while read -r line; do
        read -ra fields <<<"$line"
        wanted "${fields[0]}" "${fields[5]}" || continue
        "$1" "${fields[0]}" "${fields[1]}" "${fields[2]}" "${fields[3]}" "${fields[4]}"
    done < <(releases)
}

# Pulls one chart, verifies it, and leaves its path in $archive and its digest in $found.
pull() { # name chart version digest
    local into=$work/$1
    mkdir -p "$into"
    case $2 in
        # An archive's own address already names the version.
        https://*.tgz) helm pull "$2" --destination "$into" >/dev/null ;;
        *) helm pull "$2" --version "$3" --destination "$into" >/dev/null ;;
    esac || fail "$1: $2 $3 could not be pulled; look at the network, or at whether it is still published"
    archive=$(find "$into" -name '*.tgz' | head -n 1)
    [ -n "$archive" ] || fail "$1: $2 was pulled, but there is no archive"
    found=sha256:$(sha256sum "$archive" | cut -d' ' -f1)
    if [ "$4" = - ]; then
        say "$1: the archive's digest is $found; --pin writes it into the lock"
    elif [ "$found" != "$4" ]; then
        fail "$1: the archive's digest is $found, but $4 is pinned; it was changed after it was pinned, so nothing is installed"
    fi
}

# Writes the digest of each release that has none into the lock, whatever its profiles.
pin_releases() {
    local line fields
    while read -r line; do
        read -ra fields <<<"$line"
        [ "${fields[3]}" = - ] || continue
        pull "${fields[0]}" "${fields[1]}" "${fields[2]}" -
        sed -i "s|^\\(${fields[0]} [^ ]* [^ ]*\\) - |\\1 $found |" "$stack/releases.lock"
        say "${fields[0]} ${fields[2]}: pinned; compare $found with what its project publishes, and commit the lock"
    done < <(releases)
}

# Leaves the values of a release in $values, as arguments of helm.
values_of() { # name
    local file entry
    values=()
    for file in "$stack/$1/values.yaml" "$stack/$1/$profile.yaml"; do
        [ -f "$file" ] && values+=(--values "$file")
    done
    if [ "$1" = kube-prometheus-stack ]; then
        alertmanager_values >"$work/alertmanager.yaml"
        values+=(--values "$work/alertmanager.yaml")
    fi
    for entry in ${more_values[@]+"${more_values[@]}"}; do
        if [ "${entry%%=*}" = "$1" ]; then values+=(--values "${entry#*=}"); fi
    done
}

render_release() { # name chart version digest namespace
    values_of "$1"
    pull "$1" "$2" "$3" "$4"
    mkdir -p "$render"
    helm template "$1" "$archive" --namespace "$5" --include-crds ${values[@]+"${values[@]}"} >"$render/$1.yaml" ||
        fail "$1: $3 does not render with these values; nothing is installed"
    say "$1 $3: rendered into $render/$1.yaml"
}

# Renders a chart with the values that it would be installed with, and counts its objects.
preview() { # release chart namespace helm's arguments...
    local release=$1 chart=$2 namespace=$3
    shift 3
    "${helm[@]}" template "$release" "$chart" --namespace "$namespace" --include-crds "$@" >"$work/$release.rendered" ||
        fail "$release: does not render with these values, so it could not be installed; nothing is changed"
    say "$release: $(objects_of "$work/$release.rendered") in $namespace"
}

# Counts the objects of a manifest by kind.
objects_of() { # file
    sed -n 's/^kind: *\([A-Za-z]*\).*/\1/p' "$1" | sort | uniq -c |
        awk '{ all += $1; kinds = kinds (kinds ? ", " : "") $1 " " $2 } END { printf "%d objects (%s)", all, kinds }'
}

install_release() { # name chart version digest namespace
    values_of "$1"
    if $dry_run && ! $renders; then
        archive="$2@$3"
    else
        pull "$1" "$2" "$3" "$4"
    fi
    if [ "$1" = kube-prometheus-stack ]; then install_receivers "$5"; fi
    if $dry_run; then
        say "$1 $3: would be installed into $5, ${timeout} s at most"
        if $renders; then preview "$1" "$archive" "$5" ${values[@]+"${values[@]}"}; fi
    else
        say "$1 $3: installing into $5, ${timeout} s at most"
    fi
    change "${helm[@]}" upgrade --install "$1" "$archive" --namespace "$5" --create-namespace \
        ${values[@]+"${values[@]}"} --wait --timeout "${timeout}s" ||
        fail "$1: not ready after $timeout s; look at kubectl -n $5 get pods,events"
    $dry_run || say "$1 $3: there"
}

# Who may call the stack; a cluster on one machine has one user.
install_policy() {
    local text
    text=$(<"$here/setup/network-policy.yaml")
    say 'observability: letting in the stack, the demo, KEDA and the API server, and no other pod'
    if $dry_run; then
        say 'would run: kubectl apply of NetworkPolicy observability/stack'
        return
    fi
    printf '%s\n' "${text//RELEASE-NAMESPACE/"$app_namespace"}" | "${kubectl[@]}" apply --filename - ||
        fail 'NetworkPolicy observability/stack could not be written, so every pod can still read the logs; only an administrator of the cluster may'
}

# What answers Grafana and the gate in the profile gmp.
install_frontend() {
    say 'gmp-frontend: installing into observability'
    if $dry_run && $renders; then
        preview gmp-frontend "$here/gmp-frontend" observability --set-string "project=${project:-project-of-yours}"
    fi
    change "${helm[@]}" upgrade --install gmp-frontend "$here/gmp-frontend" --namespace observability \
        --create-namespace --set-string "project=$project" --wait --timeout "${timeout}s" ||
        fail "gmp-frontend: not ready after $timeout s; look at kubectl -n observability get pods,events"
}

# The demo's namespace, what the pipeline may do in it, and its way through the interceptor.
install_access() {
    local users='' user
    for user in ${deployers[@]+"${deployers[@]}"}; do users+="${users:+,}\"$user\""; done
    printf '{"deployers":[%s],"interceptor":{"enabled":%s}}\n' "$users" "$keda_http" >"$work/deployers.json"
    say "cluster-access: installing into $app_namespace"
    if $dry_run && $renders; then
        preview cluster-access "$here/cluster-access" "$app_namespace" --values "$work/deployers.json"
    fi
    change "${helm[@]}" upgrade --install cluster-access "$here/cluster-access" --namespace "$app_namespace" \
        --create-namespace --values "$work/deployers.json" --wait --timeout "${timeout}s" ||
        fail "cluster-access: not installed; only an administrator of the cluster may grant rights"
}

install_app() {
    local values=() file
    for file in "${app_values[@]}"; do values+=(--values "$file"); done
    [ -z "$app_digest" ] || values+=(--set-string "image.digest=$app_digest")
    say "demo-app: installing into $app_namespace, ${timeout} s at most"
    if $dry_run && $renders; then preview demo-app "$here/demo-app" "$app_namespace" "${values[@]}"; fi
    change "${helm[@]}" upgrade --install demo-app "$here/demo-app" --namespace "$app_namespace" \
        --create-namespace "${values[@]}" --wait --timeout "${timeout}s" ||
        fail "demo-app: not ready after $timeout s; look at kubectl -n $app_namespace get pods,events"
    $dry_run || say 'demo-app: there'
}

uninstall() { # name namespace
    say "$1: removing from $2"
    change "${helm[@]}" uninstall "$1" --namespace "$2" --ignore-not-found --wait --timeout "${timeout}s" ||
        fail "$1: not gone after $timeout s; look at kubectl -n $2 get all"
}

# What is optional goes as well: it may have been installed by an earlier run.
teardown_all() {
    local line fields
    if [ ${#only[@]} -eq 0 ]; then
        uninstall demo-app "$app_namespace"
        if [ "$profile" = gmp ]; then uninstall gmp-frontend observability; fi
        if [ ${#deployers[@]} -gt 0 ] || $keda_http; then uninstall cluster-access "$app_namespace"; fi
    fi
    while read -r line; do
        read -ra fields <<<"$line"
        possible "${fields[0]}" "${fields[5]}" || continue
        uninstall "${fields[0]}" "${fields[4]}"
    done < <(releases | sed '1!G;h;$!d')
    if [ "$profile" != local ] && [ ${#only[@]} -eq 0 ]; then
        change "${kubectl[@]}" delete networkpolicy stack --namespace observability --ignore-not-found ||
            fail 'NetworkPolicy observability/stack is still there; only an administrator of the cluster may delete it'
    fi
    if [ ${#only[@]} -eq 0 ]; then remove_receivers; fi
    if $volumes; then
        say 'observability: deleting the volumes of the stack'
        change "${kubectl[@]}" delete persistentvolumeclaims --all --namespace observability --wait \
            --timeout "${timeout}s" || fail 'volumes are still there; look at kubectl -n observability get pvc'
    fi
}
