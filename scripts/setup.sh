#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing: Debian packages (as root, or through sudo where it asks nothing), and the
# Python packages of the tests into .venv. Says what it does; does nothing twice.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }

packages=$(sed 's/#.*//' scripts/apt-packages.txt | tr '\n' ' ')
missing=""
for package in $packages; do
    case "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" in
    *"install ok installed"*) ;;
    *) missing="$missing $package" ;;
    esac
done
if [ -n "$missing" ]; then
    run=""
    [ "$(id -u)" = 0 ] || run="sudo -n"
    if ! command -v apt-get >/dev/null; then
        say "this is no Debian; install the equivalents of:$missing"
    elif [ -n "$run" ] && ! $run true 2>/dev/null; then
        say "some Debian packages are missing, and installing them needs root:"
        say "  apt-get install --no-install-recommends$missing"
        say "going on without them: what needs them is skipped by name"
    else
        say "installing Debian packages:$missing"
        $run apt-get update -qq
        DEBIAN_FRONTEND=noninteractive $run apt-get install -y -qq --no-install-recommends $missing \
            >/dev/null
    fi
fi

want=$(cksum <requirements.txt)
if [ "$(cat .venv/.installed 2>/dev/null)" != "$want" ]; then
    say "installing Python packages of requirements.txt into .venv"
    [ -x .venv/bin/pip ] || python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check --no-deps -r requirements.txt
    printf '%s' "$want" >.venv/.installed
fi
