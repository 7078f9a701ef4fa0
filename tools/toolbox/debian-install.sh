#!/bin/sh
# Installs Debian packages and leaves none of their services running, now or
# after the next boot: a test starts the servers it needs by itself.
#
#   sh tools/toolbox/debian-install.sh PACKAGE...
set -eu

if [ "$#" -eq 0 ]; then
    echo "usage: sh tools/toolbox/debian-install.sh PACKAGE..." >&2
    exit 2
fi

# Debian asks this file before it starts a service; 101 means "not allowed".
# One that is there already belongs to the machine and stays as it is.
policy=${POLICY_RC_D:-/usr/sbin/policy-rc.d}
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

# Units that start at boot, as links that `systemctl enable` makes.
enabled() {
    find /etc/systemd/system -type l -path '*.wants/*' 2>/dev/null |
        sed 's|.*/||' | sort -u
}

export DEBIAN_FRONTEND=noninteractive
options="--yes --no-install-recommends -o DPkg::Lock::Timeout=300"
before=$(enabled)

# Old lists name packages that are gone from the mirrors, so a failure is met
# with new lists once; a machine without lists fails at once and gets them too.
# shellcheck disable=SC2086 # the options are words
if ! apt-get install $options "$@"; then
    echo "renewing the package lists and trying once more"
    apt-get update
    apt-get install $options "$@"
fi

if command -v systemctl >/dev/null 2>&1; then
    for unit in $(enabled); do
        case "
$before
" in
        *"
$unit
"*) ;;
        *) systemctl disable "$unit" ;;
        esac
    done
fi
