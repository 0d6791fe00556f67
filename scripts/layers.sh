#!/bin/sh
# Draws docs/layers.svg, the picture of docs/architecture.md, from docs/layers.dot by Graphviz.
set -eu
cd "$(dirname "$0")/../docs"
command -v dot >/dev/null || {
    echo "layers.sh: dot is missing: run scripts/setup --development" >&2
    exit 3
}
dot -Tsvg layers.dot -o layers.svg.new
mv layers.svg.new layers.svg
echo docs/layers.svg
