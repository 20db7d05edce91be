#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A squeezed guest that begins to read back what it dropped says so at once, and gets memory back though the host is
# short; another one pays.
#
# timeout: 600
# vm: -m 3072

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../agent-lib.sh"

# More than a squeezed guest has for its page cache, and less than it has with a small balloon.
DATA_MIB=280

agent_start || die "the host's module cannot be loaded"
# Reading is slow here, and so is all that follows from it.
host_set policy/relief_trust_ms 120000
host_set policy/backoff_ms 20000
head -c ${DATA_MIB}M /dev/urandom >"$BELLOWS_RUN/data"
pair_start awake -m 448 --disk "$BELLOWS_RUN/data" || die "no guest 'awake'"
pair_start asleep -m 448 || die "no guest 'asleep'"
for guest in awake asleep; do
	guest_touch $guest
	keeper_start $guest -a 32 -m verify || die "no memory to watch"
done
guest_run awake 'modprobe virtio_blk'

press 240
check "both give" wait_until 60 '[ "$(size_mib awake)" -ge 90 ] && [ "$(size_mib asleep)" -ge 90 ]'
sleep 3
squeezed=$(size_mib awake)
paid=$(size_mib asleep)
note "awake $squeezed MiB, asleep $paid MiB"
strains=$(guest_value awake counters/strains)

guest_run awake 'while :; do cat /dev/vda >/dev/null; done >/dev/null 2>&1 </dev/null &'
check "awake gets memory back" wait_until 120 '[ "$(size_mib awake)" -le $((squeezed - 30)) ]'
check "the other one pays" wait_until 60 '[ "$(size_mib asleep)" -ge $((paid + 20)) ]'
note "awake $(size_mib awake) MiB, $(seen_value awake reason)/$(seen_value awake bound);" \
	"asleep $(size_mib asleep) MiB, $(seen_value asleep reason)/$(seen_value asleep bound);" \
	"host free $(($(host_value free) / MIB)) MiB, reserve $(($(host_value reserve) / MIB))"
check "awake said so at once" test "$(guest_value awake counters/strains)" -gt "$strains"
note "strains: awake $strains to $(guest_value awake counters/strains), asleep $(guest_value asleep counters/strains)"
check "no data of it is damaged" keeper_good awake
check "nor of the other" keeper_good asleep
check_equal "nobody was killed" "0 0" "$(seen_value awake oom_kills) $(seen_value asleep oom_kills)"

ease
for guest in awake asleep; do
	check "$guest has its memory back" wait_until 60 "[ \"\$(seen_value $guest size)\" = 0 ]"
	guest_stop $guest
done
check_forgotten
check_unload_host
