#!/bin/sh
# step.sh TITLE COMMAND...: says what is being done, does it, and says how long it took.
title=$1
shift
start=$(date +%s)
echo "==> $title"
"$@"
status=$?
taken=$(($(date +%s) - start))
if [ "$status" -eq 0 ]; then
    echo "<== $title: $taken s"
else
    echo "<== $title FAILED after $taken s (exit status $status)" >&2
fi
exit "$status"
