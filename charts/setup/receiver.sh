# shellcheck shell=bash disable=SC2154
# One receiver of alerts, and whether it can work. Sourced by setup_cluster.sh and tools/gke/gke.sh.

# A key of a file for email, such as to=sre@example.com.
email_setting() { # file key
    sed -n "s/^$2=//p" "$1" | head -n 1
}

# The secret itself, without a line break at its end: with one, every delivery to
# Opsgenie fails.
secret_of() { # KIND:FILE
    case $1 in
        email:*) printf '%s' "$(email_setting "${1#*:}" password)" ;;
        *) printf '%s' "$(<"${1#*:}")" ;;
    esac
}

# An address may hold a token, so no sentence shows one.
check_address() { # option address
    case $2 in
        *[[:space:]\"\\]*) wrong "$1 has an address with a space, quote or backslash, but an address has none; write it like https://pager.example.com/hook" ;;
        http://?* | https://?*) ;;
        *) wrong "$1 has an address that does not begin with http:// or https://, but only those are called; write it like https://pager.example.com/hook" ;;
    esac
}

# One receiver: KIND:FILE, or the address of a webhook.
check_receiver() { # option KIND:FILE option address
    local kind=${2%%:*} file=${2#*:} secret key
    if [ -z "$2" ]; then
        [ -z "$4" ] || check_address "$3" "$4"
        return 0
    fi
    [ -z "$4" ] || wrong "$1 and $3 name the same receiver, but there is one; leave one of them out"
    case $2 in
        webhook:?* | slack:?* | pagerduty:?* | opsgenie:?* | email:?*) ;;
        *) wrong "$1 is not KIND:FILE with webhook, slack, pagerduty, opsgenie or email as the kind; write it like pagerduty:/run/secrets/pagerduty" ;;
    esac
    if [ ! -f "$file" ] || [ ! -r "$file" ]; then
        wrong "$1 names a file that cannot be read; write it like $kind:/run/secrets/$kind"
    fi
    if [ "$kind" = email ]; then
        for key in to from smarthost username password; do
            secret=$(email_setting "$file" "$key")
            case $secret in
                '' | *[\"\\]*) wrong "$1 names a file without a line $key=, or with a quote or backslash in it; email needs to, from, smarthost, username and password" ;;
            esac
        done
        return 0
    fi
    secret=$(secret_of "$2")
    case $secret in
        '' | *[[:space:]\"\\]*) wrong "$1 names a file that has not one line without spaces, quotes and backslashes; write the secret alone into it" ;;
    esac
    case $kind in webhook | slack) check_address "$1" "$secret" ;; esac
}

# Whether pages and tickets have a receiver.
alerts_reach_a_person() {
    [ -n "$page$page_url" ] && [ -n "$ticket$ticket_url" ]
}
