#!/usr/bin/env bash
# What a host program may rely on, seen in the object code: the library has no mutable globals, never prints to the standard
# streams, never ends the process, and takes its random numbers and signals from nobody.
set -euo pipefail
rc=0
globals=$(objdump -t "$SOMA_BUILD/libsoma.a" | awk 'NF > 3 && ($(NF-2) ~ /^\.(data|bss|tdata|tbss)$/ || $(NF-2) ~ /^\.(data|bss)\.[^r]/) { if ($(NF) !~ /^\./) print $NF }')
[ -z "$globals" ] || { printf 'mutable globals:\n%s\n' "$globals"; rc=1; }
calls=$(nm -u "$SOMA_BUILD/libsoma.a" | awk '{ print $2 }' |
    grep -xE 'stdout|stderr|(v|w)?printf|__(v)?printf_chk|puts|putchar|perror|exit|_exit|_Exit|quick_exit|abort|__assert_fail|atexit|rand|srand|random|signal|sigaction|setlocale|system|popen|environ' || true)
[ -z "$calls" ] || { printf 'the library calls:\n%s\n' "$calls"; rc=1; }
exit $rc
