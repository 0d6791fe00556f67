#!/bin/sh
# The order of the source tree: what a file may include, how large files, functions and folders are, and that READMEs
# and links are true.
#
#   house.sh SOURCE_ROOT
#   house.sh --self-test
set -eu
LC_ALL=C
export LC_ALL

FILES_MOST=25     # in a folder, without README.md and meson.build
LINES_MOST=400    # in a file of C
FUNCTION_MOST=60  # lines from brace to brace

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# ---- includes ----

# Which rooms there are, each above the ones before it. A file includes from its own room and from those below; a
# folder's own headers (harness.h, kernel.h) are below its rooms.
rooms='base
harness/mp/core
harness/mp/process
harness/mp/sync
harness/mp/channel
harness/mp/pool
harness/mp/manager
kernels
kernels/numbers
kernels/text
kernels/waiting
kernels/images
harness
harness/worker
harness/native
harness/peer
harness/cpython
bench/format
bench/host
bench/trial
bench/run
bench/judge
bench/export
bench/overhead/peers
bench/overhead
bench/command
bench'
# What may not be seen from above, although it is below: "ROOM SEES-NOTHING-OF" as prefixes.
strangers='kernels harness
harness/mp kernels
harness/mp harness/harness.h
harness/mp harness/worker
base harness
base kernels
base bench
demos bench
demos kernels
demos harness/worker
demos harness/native'
# harness.h includes what a report holds; harness.c lists what was built.
exceptions='harness/harness.h harness/worker/stamps.h'

# includes: "file included" for each include of a file of ours, from the root.
includes() {
    find base kernels harness bench demos -name '*.[ch]' | sort | xargs grep -H '^#include "' |
        sed 's/^\([^:]*\):#include "\([^"]*\)".*/\1 \2/' | grep -v '/list\.h$\|_objects\.h$\|/commit\.h$'
}

# judge_rooms PAIRS: fails for an include of a room above, of a stranger, or of nothing.
judge_rooms() {
    printf '%s\n' "$rooms" >"$work/rooms"
    printf '%s\n' "$strangers" >"$work/strangers"
    printf '%s\n' "$exceptions" >"$work/exceptions"
    awk '
        function room(file) { sub(/\/[^\/]*$/, "", file); return file }
        FILENAME ~ /rooms$/ { level[$1] = FNR; next }
        FILENAME ~ /strangers$/ { from[FNR] = $1; to[FNR] = $2; count = FNR; next }
        FILENAME ~ /exceptions$/ { fine[$1 " " $2] = 1; next }
        ($1 " " $2) in fine { next }
        {
            own = room($1); other = room($2)
            if (own in level && other in level && level[other] > level[own] && index(own, other "/") != 1) {
                print $1 " includes " $2 ": a room above its own"; bad = 1
            }
            for (i = 1; i <= count; i++)
                if (index($1, from[i] "/") == 1 && index($2, to[i]) == 1 && index($2, from[i] "/") != 1 &&
                    !(from[i] == "base" && index($2, "base/") == 1)) {
                    print $1 " includes " $2 ": " from[i] " knows nothing of " to[i]; bad = 1
                }
        }
        END { exit bad }' "$work/rooms" "$work/strangers" "$work/exceptions" "$1" >&2
}

# ---- sizes ----

judge_sizes() {
    find base kernels harness bench demos tests peers docs -name '*.[ch]' | sort | while read -r file; do
        awk -v file="$file" -v most=$LINES_MOST -v longest=$FUNCTION_MOST '
            /^\{/ { begin = NR }
            /^\}/ { if (begin && NR - begin > longest) { print file ":" begin ": a function of " NR - begin " lines" }; begin = 0 }
            END { if (NR > most) print file ": " NR " lines" }' "$file"
    done >"$work/sizes"
    find . -name '.?*' -prune -o -path './build*' -prune -o -path './results' -prune -o -type f -print |
        grep -v '/README.md$\|/meson.build$\|/__pycache__/' | sed 's/\/[^\/]*$//' | sort | uniq -c |
        awk -v most=$FILES_MOST '$1 > most { print $2 ": " $1 " files" }' >>"$work/sizes"
    [ -s "$work/sizes" ] || return 0
    cat "$work/sizes" >&2
    return 1
}

# ---- texts ----

# Each folder has a README that names each of its files: as `name.c`, `name.h` `.c`, or `name`. A mutation says itself
# what it is.
judge_readmes() {
    find base kernels harness bench demos tests peers scripts docs \( -name __pycache__ -o -path '*/mutations/*' \) -prune -o -type f -print |
        grep -v '/README.md$\|/meson.build$' | sort | while read -r file; do
        folder=${file%/*} name=${file##*/}
        if ! [ -f "$folder/README.md" ]; then
            echo "$folder has no README.md"
        elif ! grep -qF -e "\`$name\`" -e "\`${name%.*}." -e "\`${name%.*}\`" "$folder/README.md"; then
            echo "$folder/README.md says nothing of $name"
        fi
    done | sort -u >"$work/readmes"
    [ -s "$work/readmes" ] || return 0
    cat "$work/readmes" >&2
    return 1
}

# Links between files of the tree lead somewhere.
judge_links() {
    find . -path './build*' -prune -o -path './.git' -prune -o -name '*.md' -print | sort | while read -r file; do
        grep -o '](\([^)]*\))' "$file" | sed 's/^](//; s/)$//; s/#.*//; s/ .*//' | sort -u | while read -r link; do
            case $link in '' | *://*) continue ;; esac
            [ -e "${file%/*}/$link" ] || echo "$file: no such file: $link"
        done
    done >"$work/links"
    [ -s "$work/links" ] || return 0
    cat "$work/links" >&2
    return 1
}

# ---- ----

# must_fail CHECK ARGUMENT: what is wrong on purpose.
must_fail() {
    if "$@" 2>/dev/null; then
        echo "$1 passes what is wrong" >&2
        exit 1
    fi
}

self_test() {
    echo 'bench/run/a.c bench/trial/b.h' >"$work/pairs"
    judge_rooms "$work/pairs"
    echo 'bench/run/a.c bench/command/b.h' >"$work/pairs"
    must_fail judge_rooms "$work/pairs"
    echo 'kernels/text/a.c harness/harness.h' >"$work/pairs"
    must_fail judge_rooms "$work/pairs"
    mkdir "$work/tree"
    cd "$work/tree"
    mkdir base kernels harness bench demos tests peers scripts docs
    echo '| `small.c` | small |' >base/README.md
    printf 'int f(void)\n{\n}\n' >base/small.c
    judge_sizes
    judge_readmes
    judge_links
    yes '' | head -n 401 >base/small.c
    must_fail judge_sizes
    { echo 'int f(void)' && echo '{' && yes '' | head -n 61 && echo '}'; } >base/small.c
    must_fail judge_sizes
    : >base/small.c
    for i in $(seq 26); do : >docs/$i; done
    must_fail judge_sizes
    must_fail judge_readmes
    echo '[a page](nowhere.md)' >docs/page.md
    must_fail judge_links
}

if [ "$1" = --self-test ]; then
    self_test
    exit
fi

cd "$1"
failed=0
includes >"$work/includes"
[ "$(wc -l <"$work/includes")" -gt 300 ] || {
    echo "too few includes were found" >&2
    failed=1
}
judge_rooms "$work/includes" || failed=1
judge_sizes || failed=1
judge_readmes || failed=1
judge_links || failed=1
exit $failed
