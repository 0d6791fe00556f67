#!/bin/sh
# What uses what, read from the symbols of the compiled libraries.
#
# Data flow one way: bench -> harness -> kernels -> base. The runtime (mp) knows none of them; the
# harness uses it, and its archive holds its own copy of what it needs of base. The test fails for a library
# that needs a symbol of a library above it, for a kernel that can start or meet a thread or process,
# and for a circle of files inside a library.
#
#   layers.sh NM BASE.a MP.a MANAGER.a KERNELS.a HARNESS.a BENCH.a     ("" for a library that was not built)
#   layers.sh NM --self-test
set -eu
LC_ALL=C
export LC_ALL

nm=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The only circles: a front end that chooses by kind, and kinds that use what all have in common.
# One "user used" pair of object files a line; these uses are not followed.
natural=''

# ---- libraries ----

# What a library defines for others, and what it wants from others, one name a line.
defined() {
    "$nm" -g --defined-only "$1" | awk 'NF == 3 && $2 ~ /^[A-Z]$/ { print $3 }' | sort -u
}
wanted() {
    "$nm" -g --undefined-only "$1" | awk '$1 == "U" || $1 == "w" { print $2 }' |
        sort -u >"$work/all"
    defined "$1" | comm -23 "$work/all" -
}

# judge LIBRARY WANTED FORBIDDEN WHAT: fails if the two lists have a name in common.
judge() {
    comm -12 "$2" "$3" >"$work/both"
    [ -s "$work/both" ] || return 0
    sed "s/^/$1 needs $4: /" "$work/both" >&2
    return 1
}

# Ways to start or to meet another thread or process.
concurrency='^(pthread_|thrd_|mtx_|cnd_|sem_|fork$|vfork$|clone|posix_spawn|exec[lv]|wait|system$'
concurrency="$concurrency"'|popen$|socket|pipe2?$|eventfd|kill$|syscall$|signal$|sigaction$|prctl$'
concurrency="$concurrency"'|GOMP_|omp_|sched_|clock_gettime$|gettimeofday$|time$)'

judge_kernels() {
    grep -E "$concurrency" "$1" >"$work/concurrent" || return 0
    sed 's/^/kernels need what only a harness may use: /' "$work/concurrent" >&2
    return 1
}

# ---- files of a library ----

# uses ARCHIVE: a line "user used" for each two files of it of which one needs a symbol of the other.
uses() {
    "$nm" -A -g "$1" | awk '
        {
            head = $0
            sub(/: *[0-9a-f]* [A-Za-z] [^ ]*$/, "", head)
            sub(/.*[\/:]/, "", head)
            sub(/(\.c)?\.o$/, "", head)
            kind = $(NF - 1)
            if (kind == "U" || kind == "w") wants[head, $NF] = head
            else if (kind ~ /^[A-Z]$/) has[$NF] = head
        }
        END {
            for (each in wants) {
                split(each, part, SUBSEP)
                if (part[2] in has && has[part[2]] != part[1]) print part[1], has[part[2]]
            }
        }' | sort -u
}

# judge_circles LIBRARY PAIRS: fails if following the pairs leads back to where one began.
judge_circles() {
    printf '%s\n' "$natural" | sort >"$work/natural"
    if sort "$2" | comm -23 - "$work/natural" | tsort >/dev/null 2>"$work/loop"; then
        return 0
    fi
    awk -v library="$1" '/contains a loop/ { if (files) print library ": a circle:" files; files = "" }
        /^tsort: [^:]*$/ { files = files " " $2 }
        END { print library ": a circle:" files }' "$work/loop" >&2
    return 1
}

# ---- ----

# What is wrong on purpose has to fail.
self_test() {
    printf '%s\n' fb_one fb_two memcpy | sort >"$work/wants"
    printf '%s\n' fb_three fb_two | sort >"$work/forbidden"
    printf '%s\n' fb_four malloc | sort >"$work/free"
    if judge a "$work/wants" "$work/forbidden" b 2>/dev/null; then return 1; fi
    judge a "$work/wants" "$work/free" b || return 1
    judge_kernels "$work/wants" || return 1
    for name in pthread_create fork clock_gettime waitpid GOMP_parallel; do
        echo $name >"$work/wants"
        if judge_kernels "$work/wants" 2>/dev/null; then return 1; fi
    done
    printf '%s\n' 'top middle' 'middle bottom' 'top bottom' >"$work/pairs"
    judge_circles a "$work/pairs" || return 1
    echo 'bottom top' >>"$work/pairs"
    if judge_circles a "$work/pairs" 2>/dev/null; then return 1; fi
    natural='bottom top'
    judge_circles a "$work/pairs" || return 1
}

if [ "$2" = --self-test ]; then
    self_test
    exit
fi

shift
failed=0
libraries=''
for library in base mp manager kernels harness bench; do
    archive=$1
    shift
    [ -n "$archive" ] || continue
    libraries="$libraries $library"
    defined "$archive" >"$work/$library.has"
    wanted "$archive" >"$work/$library.wants"
    uses "$archive" >"$work/$library.uses"
    # Without a name there is nothing to judge: nm did not understand the file.
    for list in has wants; do
        if ! [ -s "$work/$library.$list" ]; then
            echo "no symbols in $archive" >&2
            exit 1
        fi
    done
    judge_circles $library "$work/$library.uses" || failed=1
done
# Files of a library do use one another: else the pairs were not read.
for library in mp kernels harness bench; do
    if ! [ -s "$work/$library.uses" ]; then
        echo "no file of $library uses another: the pairs are wrong" >&2
        failed=1
    fi
done

# Its copy is not what others mean.
comm -23 "$work/mp.has" "$work/base.has" >"$work/own"
mv "$work/own" "$work/mp.has"

for lower in $libraries; do
    for upper in $libraries; do
        case $lower-$upper in
        *-base | manager-mp | harness-mp | harness-kernels | bench-*) continue ;;
        esac
        [ $lower != $upper ] || continue
        judge $lower "$work/$lower.wants" "$work/$upper.has" $upper || failed=1
    done
done
judge_kernels "$work/kernels.wants" || failed=1
# The lists are worth something: each layer does use the one below it.
for pair in bench-harness bench-kernels harness-base kernels-base; do
    if judge "${pair%-*}" "$work/${pair%-*}.wants" "$work/${pair#*-}.has" x 2>/dev/null; then
        echo "${pair%-*} uses nothing of ${pair#*-}: the lists are wrong" >&2
        failed=1
    fi
done
exit $failed
