#!/bin/sh
# Chromium with its driver, which the gallery's tests need. Where it cannot be installed, they say what is missing.
set -eu

is_there() {
    command -v chromedriver >/dev/null &&
        { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null
}

if ! is_there && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    echo "Installing Chromium for the gallery's tests …"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium chromium-driver; } >/dev/null ||
        echo "Chromium could not be installed; the gallery's tests will fail." >&2
fi
