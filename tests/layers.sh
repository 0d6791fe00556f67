#!/bin/sh
# Data flows one way: bench -> harness -> kernels -> base, and the runtime (mp) knows none of them: it
# is used by the harness, and has its own copy of what it needs of base. A library that needs a symbol of one
# above it, or a kernel that makes threads or processes, fails.
#
#   layers.sh NM BASE.a MP.a KERNELS.a HARNESS.a BENCH.a
#   layers.sh NM --self-test
set -eu
LC_ALL=C
export LC_ALL

nm=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What a library defines for others, and what it wants from others, one name a line.
defined() {
    "$nm" -g --defined-only "$1" | awk 'NF == 3 && $2 ~ /^[A-Z]$/ { print $3 }' | sort -u
}
wanted() {
    "$nm" -g --undefined-only "$1" | awk '$1 == "U" || $1 == "w" { print $2 }' |
        sort -u >"$work/all"
    defined "$1" | comm -23 "$work/all" -
}

# judge WHO WANTED FORBIDDEN WHAT: fails if the two lists have a name in common.
judge() {
    comm -12 "$2" "$3" >"$work/both"
    [ -s "$work/both" ] || return 0
    sed "s/^/$1 needs $4: /" "$work/both" >&2
    return 1
}

# Ways to make or to meet another thread or process.
concurrency='^(pthread_|thrd_|mtx_|cnd_|sem_|fork$|vfork$|clone|posix_spawn|exec[lv]|wait|system$'
concurrency="$concurrency"'|popen$|socket|pipe2?$|eventfd|kill$|syscall$|signal$|sigaction$|prctl$'
concurrency="$concurrency"'|GOMP_|omp_|sched_|clock_gettime$|gettimeofday$|time$)'

judge_kernels() {
    grep -E "$concurrency" "$1" >"$work/concurrent" || return 0
    sed 's/^/kernels need what only a harness may use: /' "$work/concurrent" >&2
    return 1
}

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
}

if [ "$2" = --self-test ]; then
    self_test
    exit
fi

for library in base mp kernels harness bench; do
    defined "$2" >"$work/$library.has"
    wanted "$2" >"$work/$library.wants"
    # Without a name there is nothing to judge: nm did not understand the file.
    for list in has wants; do
        if ! [ -s "$work/$library.$list" ]; then
            echo "no symbols in $2" >&2
            exit 1
        fi
    done
    shift
done

# Its copy is not what others mean.
comm -23 "$work/mp.has" "$work/base.has" >"$work/own"
mv "$work/own" "$work/mp.has"

failed=0
for lower in base mp kernels harness; do
    for upper in mp kernels harness bench; do
        case $lower-$upper in
        mp-mp | kernels-kernels | harness-mp | harness-kernels | harness-harness) continue ;;
        esac
        judge $lower "$work/$lower.wants" "$work/$upper.has" "$upper" || failed=1
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
