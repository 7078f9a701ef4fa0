# shellcheck shell=bash disable=SC2034,SC2154
# What setup_cluster.sh refuses before it changes anything. Sourced.

check_options() {
    local tool file entry name
    [ -n "$profile" ] || wrong "--profile is missing, but decides what is installed; choose one of $profiles"
    case " $profiles " in
        *" $profile "*) ;;
        *) wrong "--profile is $profile, but there is none of that name; choose one of $profiles" ;;
    esac
    case $timeout in
        '' | *[!0-9]*) wrong "--timeout is $timeout, but seconds are a whole number; write it like 600" ;;
    esac
    [[ $app_namespace =~ ^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$ ]] ||
        wrong "--app-namespace is $app_namespace, but a namespace has lower-case letters, digits and hyphens only; write it like demo"
    for file in ${app_values[@]+"${app_values[@]}"}; do
        [ -r "$file" ] || wrong "--app-values is $file, but it cannot be read; name a file that is there"
    done
    [ -z "$app_digest" ] || [[ $app_digest =~ ^sha256:[0-9a-f]{64}$ ]] ||
        wrong "--app-digest is $app_digest, but a digest is sha256: and 64 digits; image.yml prints it"
    check_digest
    for entry in ${more_values[@]+"${more_values[@]}"}; do
        name=${entry%%=*} file=${entry#*=}
        releases | cut -d' ' -f1 | grep -qx -- "$name" ||
            wrong "--values-for is $entry, but observability/releases.lock has no release $name; write RELEASE=FILE"
        [ -r "$file" ] || wrong "--values-for is $entry, but $file cannot be read; name a file that is there"
    done
    check_receiver --page "$page" --page-url "$page_url"
    check_receiver --ticket "$ticket" --ticket-url "$ticket_url"
    check_receiver --heartbeat "$heartbeat" --heartbeat-url "$heartbeat_url"
    for name in ${only[@]+"${only[@]}"}; do
        releases | cut -d' ' -f1 | grep -qx -- "$name" ||
            wrong "--only is $name, but observability/releases.lock has no such release; see its first column"
    done
    for name in ${with[@]+"${with[@]}"}; do
        is_optional "$name" || wrong "--with is $name, but only these are optional: $optional"
    done
    if $volumes && ! $teardown; then
        wrong "--volumes deletes data, but only together with --teardown; add it"
    fi
    check_receivers
    if [ "$profile" = gmp ] && $install && ! $teardown && ! $pin && [ -z "$render" ] && [ ${#only[@]} -eq 0 ]; then
        if [[ $project =~ ^[a-z][a-z0-9-]{4,28}[a-z0-9]$ ]]; then
            :
        elif $dry_run; then
            say '--project is missing; installing in gmp needs it'
        else
            wrong "--project is '$project', but in gmp Grafana asks a project for its metrics; give its id"
        fi
    fi
    if $dry_run; then
        # A release that is removed needs no chart.
        if $teardown; then return; fi
        if command -v helm >/dev/null; then
            renders=true
        else
            say 'helm is not in PATH, so no chart is pulled and rendered'
        fi
        return
    fi
    for tool in helm kubectl sha256sum sed awk; do
        command -v "$tool" >/dev/null || fail "$tool is not in PATH; install it"
    done
}

# Values that name a repository of their own and no digest would pull the chart's version
# as a tag, which no pipeline pushes there.
check_digest() {
    [ ${#app_values[@]} -gt 0 ] && [ -z "$app_digest" ] || return 0
    if grep -qE '"?repository"?:' "${app_values[@]}" &&
        ! grep -qE 'sha256:[0-9a-f]{64}|"?tag"?: *"?[A-Za-z0-9_]' "${app_values[@]}"; then
        wrong "--app-values names an image's repository and neither digest nor tag, but nothing is pushed there by the chart's version; add --app-digest sha256:..."
    fi
}

# An alert that reaches no receiver is none.
check_receivers() {
    if $teardown || $pin || ! $install || ! $alerts || [ "$profile" = local ]; then return; fi
    if [ ${#only[@]} -gt 0 ] && ! named kube-prometheus-stack "${only[@]}"; then return; fi
    if alerts_reach_a_person; then return; fi
    if $dry_run; then
        say '--page or --ticket is missing; installing needs both, or --no-alerts'
    else
        wrong "--page or --ticket is missing, but without both some alert reaches no person; give them, or say --no-alerts"
    fi
}

# Before anything is installed, so that nothing is left half.
check_before_install() {
    local line fields
    while read -r line; do
        read -ra fields <<<"$line"
        if wanted "${fields[0]}" "${fields[5]}" && [ "${fields[3]}" = - ] && ! $unpinned; then
            if $dry_run; then
                say "${fields[0]}: its digest is not pinned; installing needs --pin once, or --unpinned"
            else
                fail "${fields[0]}: its digest is not pinned, so nothing is installed; run this with --pin and commit the lock, or say --unpinned"
            fi
        fi
    done < <(releases)
    case $profile in
        autopilot | gmp) check_managed_namespace ;;
    esac
    if [ "$profile" = gmp ] && [ ${#only[@]} -eq 0 ]; then check_managed_alerts; fi
}

# prometheus-adapter and KEDA bind their accounts to one Role in kube-system. The API
# server says without a change whether it lets them.
check_managed_namespace() {
    $dry_run && return
    "${kubectl[@]}" create rolebinding setup-cluster-probe --namespace kube-system \
        --role extension-apiserver-authentication-reader --serviceaccount observability:prometheus-adapter \
        --dry-run=server >/dev/null 2>"$work/probe" ||
        fail "the cluster refuses a RoleBinding to extension-apiserver-authentication-reader in kube-system, which prometheus-adapter and KEDA need, so nothing is installed: $(tail -n 1 "$work/probe")"
}
