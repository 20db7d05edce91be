#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A Linux guest whose kernel calls at random, and writes anything into the pages that the host reads
# (src/bellows_fuzz), while another guest is sized: it and the host see nothing of that.
#
# timeout: 400

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"

calls=15000
seeds=(1 2 3)

# Lines of ours in the host's log.
log_lines()
{
	dmesg | grep -c bellows
}

# fuzz SEED - and say what was answered.
fuzz()
{
	guest_insmod hostile bellows_fuzz "seed=$1" "calls=$calls" &&
		guest_run -t 20 hostile 'cd /sys/module/bellows_fuzz/parameters && grep . done refused unheard strange'
}

# fuzz_value NAME - of what it said.
fuzz_value()
{
	sed -n "s/^$1://p" <<<"$answers"
}

# Its agent is on, and believes what it can.
module_load_host || die "the host's module cannot be loaded"
pair_start honest -m 288 || die "no pair"
check "memory to watch" keeper_start honest -a 48 -m verify || die "no memory to watch"
check "the honest guest has a balloon" balloon honest 32
guest_start hostile -m 256 -smp 2 || die "no hostile guest"
lines=$(log_lines)
pins=$(host_value counters/pinned_pages)

for seed in "${seeds[@]}"; do
	fuzz "$seed" >/tmp/answers 2>&1 &
	fuzzer=$!
	check "seed $seed: the honest guest grows meanwhile" balloon honest 96
	check "seed $seed: and shrinks" balloon honest 32
	check "seed $seed: the hostile one was never held up for ever" wait $fuzzer
	answers=$(cat /tmp/answers)
	note "seed $seed: ${answers//$'\n'/, }"
	# Of eight numbers six are known; few arguments are hopeless.
	check_range "seed $seed: many calls were done" $((calls / 20)) "$(fuzz_value "done")" $calls
	check_range "seed $seed: many were refused" $((calls / 20)) "$(fuzz_value refused)" $calls
	check_range "seed $seed: those with unknown numbers were not heard" $((calls / 8)) "$(fuzz_value unheard)" $((calls / 2))
	check_equal "seed $seed: no answer was strange" 0 "$(fuzz_value strange)"
	check_equal "seed $seed: no page of it stays pinned" "$pins" "$(host_value counters/pinned_pages)"
	check "seed $seed: the module can go" guest_run hostile 'rmmod bellows_fuzz'
done
check_range "the host's log (lines)" 0 $(($(log_lines) - lines)) 5
check_equal "no call is under way" 0 "$(host_value counters/active_calls)"
check "the hostile guest can be an honest one" pair_join hostile
check "with a balloon" balloon hostile 48
check "the honest guest is whole" keeper_good honest
check_equal "nobody was killed in it" 0 "$(seen_value honest oom_kills)"
guest_stop hostile
guest_stop honest
check_forgotten
check_unload_host
