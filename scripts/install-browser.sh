#!/bin/sh
# Installs what the browser tests need: Chromium with its driver (Debian packages) and axe-core (npm, into node_modules).
# Does nothing where they are already there; says what to do where it may not install.
set -eu
cd "$(dirname "$0")/.."

axe_version=4.10.3

has() { command -v "$1" >/dev/null 2>&1; }

has_browser() { { has chromium || has google-chrome || has chromium-browser; } && has chromedriver; }

if ! has_browser; then
    if has apt-get && [ "$(id -u)" = 0 ]; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium chromium-driver fonts-dejavu-core fonts-noto-cjk
    elif has apt-get && has sudo && sudo -n true 2>/dev/null; then
        sudo apt-get update -qq
        sudo DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium chromium-driver fonts-dejavu-core fonts-noto-cjk
    else
        echo "browser tests: no Chromium with chromedriver here and no right to install them;" \
            "install 'chromium' and 'chromium-driver' (or Chrome and its chromedriver) to run them" >&2
    fi
fi

if [ ! -f node_modules/axe-core/axe.min.js ]; then
    if has npm; then
        folder=$(mktemp -d)
        trap 'rm -rf "$folder"' EXIT
        npm pack --silent --pack-destination "$folder" "axe-core@$axe_version" >/dev/null
        tar -xzf "$folder/axe-core-$axe_version.tgz" -C "$folder"
        mkdir -p node_modules
        rm -rf node_modules/axe-core
        mv "$folder/package" node_modules/axe-core
    else
        echo "browser tests: no npm here, so axe-core is missing and the accessibility tests cannot run" >&2
    fi
fi
