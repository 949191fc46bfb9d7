#!/usr/bin/env bash
# Fetch what the browser needs from npm, pinned by package-lock.json, and put the published files into static/vendor.
#
#   browser-files.sh VENV     VENV gets npm when the system has none
set -euo pipefail
venv=${1:-}

if ! command -v npm >/dev/null; then
    # The same npm, as a Python package: a system's own npm brings hundreds of packages with it.
    "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --progress-bar off \
        --only-binary :all: --require-hashes -r requirements/node.txt
    PATH=$venv/bin:$PATH
fi
npm ci --ignore-scripts --no-audit --no-fund

rm -rf static/vendor.new
copy() { # copy PACKAGE FILE…
    local package=$1 file
    shift
    mkdir -p "static/vendor.new/$package"
    for file in "$@"; do
        # A published file may name a source map that it does not bring.
        sed '/^\/[\/*]# sourceMappingURL=/d' "node_modules/$package/$file" >"static/vendor.new/$package/$(basename "$file")"
    done
}
copy echarts dist/echarts.min.js LICENSE
rm -rf static/vendor
mv static/vendor.new static/vendor
