#!/bin/sh
# Builds tests/kernels/neon.c for aarch64 and runs it under qemu; exits with 77 where these are missing.
set -eu
cd "$(dirname "$0")/../.."
command -v aarch64-linux-gnu-gcc >/dev/null && command -v qemu-aarch64 >/dev/null || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
aarch64-linux-gnu-gcc -std=gnu17 -O3 -ffp-contract=off -Wall -Wextra -Werror -static -D_GNU_SOURCE -I. -o "$work/neon" \
    tests/kernels/neon.c kernels/numbers/divisors_lanes.c kernels/simd.c
qemu-aarch64 "$work/neon"
