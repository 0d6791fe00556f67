#!/bin/sh
# Prints `#define NAME "hash"`, a hash of the machine code and its constants in object files: two
# builds with the same hash run the same instructions. Strings are left out: some contain paths.
# In: NAME, the compiler's objcopy program, the files
set -eu
name=$1
objcopy=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for object; do
    "$objcopy" --strip-all -j '.text*' -j .rodata -j '.rodata.cst*' "$object" "$work/object"
    cat "$work/object"
done >"$work/all"
printf '#define %s "%s"\n' "$name" "$(sha256sum "$work/all" | cut -c 1-16)"
