# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the benchmarks share: their options, and from single figures to a table. A figure is a line of five fields with
# tabs between them:
#
#   SIDE	CASE	METRIC	UNIT	VALUE		SIDE: ours or stock

# shellcheck source=scripts/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"
# shellcheck source=scripts/lib/emulator.sh
. "$BELLOWS_TOP/scripts/lib/emulator.sh"

BENCH=$BELLOWS_BUILD/bench
NAME=${0##*/}

# bench_options DEFAULT_RUNS ARGUMENT... - sets $k and $runs.
bench_options()
{
	local option OPTIND=1 OPTARG default=$1

	shift
	k=6.1
	while getopts K:h option; do
		case $option in
		K) k=$OPTARG ;;
		h) usage "$0"; exit ;;
		*) die "try $0 -h" ;;
		esac
	done
	shift $((OPTIND - 1))
	# Read by the benchmarks.
	# shellcheck disable=SC2034
	runs=${1:-$default}
	mkdir -p "$BENCH"
}

# build_module DIR - a kernel module of a benchmark's own, DIR/*.ko, from its source in tests/bench/DIR.
build_module()
{
	local kdir out=$BENCH/$1

	kdir=$("$BELLOWS_TOP/scripts/kernels" kdir "$k")
	mkdir -p "$out"
	cp "$BELLOWS_TOP/tests/bench/$1"/* "$out/"
	make -C "$kdir" M="$out" BELLOWS_INCLUDE="$BELLOWS_TOP/include" modules >"$out/make.log" 2>&1 ||
		{ cat "$out/make.log" >&2; die "the module of $1 does not build"; }
}

# summarize - from figures on stdin to a line for each case and metric, in the order in which they come first: medians of
# both sides, their ratio where that means something, how often ours was measured, and its spread, (highest - lowest) / median.
summarize()
{
	awk -F '\t' -v OFS='\t' '
	function sort(list, n,    i, j, x) {
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && list[j - 1] > list[j]; j--) {
				x = list[j]; list[j] = list[j - 1]; list[j - 1] = x
			}
	}
	# Sets median and spread.
	function look_at(key,    list, i, n) {
		n = count[key]
		for (i = 1; i <= n; i++)
			list[i] = value[key, i]
		sort(list, n)
		median = n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
		spread = median ? (list[n] - list[1]) / median * 100 : 0
	}
	NF == 5 {
		row = $2 OFS $3 OFS $4
		if (!(row in seen)) {
			seen[row] = 1
			rows[++nr_rows] = row
		}
		value[$1 SUBSEP row, ++count[$1 SUBSEP row]] = $5
	}
	END {
		print "case", "metric", "unit", "ours", "peer", "ratio", "runs", "spread"
		for (i = 1; i <= nr_rows; i++) {
			look_at("stock" SUBSEP rows[i])
			peer = median
			measured = count["stock" SUBSEP rows[i]]
			look_at("ours" SUBSEP rows[i])
			printf "%s\t%s\t%s\t%s\t%d\t%.1f%%\n", rows[i],
				count["ours" SUBSEP rows[i]] ? sprintf("%.6g", median) : "-",
				measured ? sprintf("%.7g", peer) : "-",
				(peer > 0 && count["ours" SUBSEP rows[i]]) ? sprintf("%.4g", median / peer) : "-",
				count["ours" SUBSEP rows[i]], spread
		}
	}'
}

# What it was measured on and with.
about()
{
	local emulator version

	emulator_get
	version=$("${emulator[@]}" --version | sed -n '1s/^QEMU emulator version \([^ ]*\).*/\1/p')
	printf 'Linux %s on host and guests, emulated by QEMU %s (EPYC, one CPU) on a machine with %s.\n' \
		"$("$BELLOWS_TOP/scripts/kernels" get "$k")" "$version" \
		"$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | sed 1q)"
}

# table - from the figures in build/bench/NAME.raw to NAME.tsv, and shows it; what it is of goes to NAME.about.
table()
{
	about >"$BENCH/$NAME.about"
	summarize <"$BENCH/$NAME.raw" >"$BENCH/$NAME.tsv"
	column -ts $'\t' "$BENCH/$NAME.tsv"
	say "also in ${BENCH#"$PWD"/}/$NAME.tsv, single figures in $NAME.raw"
}
