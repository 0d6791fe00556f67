#!/bin/sh
# Each header compiles by itself, and twice in a row.
#
#   headers.sh SOURCE_ROOT BUILD_ROOT COMPILER...
#   headers.sh --self-test COMPILER...
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# compile HEADER COMPILER...
compile() {
    header=$1
    shift
    printf '#include "%s"\n#include "%s"\nint nothing;\n' "$header" "$header" >"$work/alone.c"
    "$@" -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only "$work/alone.c"
}

if [ "$1" = --self-test ]; then
    shift
    echo 'size_t needs_a_header;' >"$work/poor.h"
    echo 'struct twice { int x; };' >"$work/unguarded.h"
    echo 'extern int fine;' >"$work/fine.h"
    compile "$work/fine.h" "$@" || exit 1
    for bad in poor unguarded missing; do
        if compile "$work/$bad.h" "$@" 2>/dev/null; then
            echo "$bad.h passes" >&2
            exit 1
        fi
    done
    exit
fi

root=$1
build=$2
shift 2
cd "$root"
failed=0
count=0
for header in $(find base kernels harness bench -name '*.h' | sort); do
    count=$((count + 1))
    compile "$header" "$@" -I"$root" -I"$build" || failed=1
done
if [ $count -lt 20 ]; then
    echo "only $count headers found" >&2
    failed=1
fi
exit $failed
