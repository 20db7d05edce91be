// SPDX-License-Identifier: GPL-2.0
/*
 * Cost curves of guests, and the level at which several of them meet.
 *
 * Base prices are the same for every guest: those of free pages lie between 0
 * and POLICY_FREE_TOP, those of the first class and age begin at 1 << 24, and
 * each further entry begins 2^(1/4) higher, so a class spans a factor of 4 and
 * all of them a factor of 256. Inside an entry the price rises steadily: this
 * splits what guests have alike in proportion instead of emptying one first.
 * A guest's price is the base price times its factor. The gap above the free
 * pages is wider than factors differ: free pages go first. Only where hardly any
 * of them takes memory from the host, of a guest that weighs a hundred times as
 * much as another, do they come after the other's oldest cache. How dear they are is
 * told by how much of what was free is in the balloon by now, so that what guests
 * give is in proportion in the end, whatever each was asked for and when.
 *
 * A guest of which next to nothing that it could spare takes memory from the
 * host, because it never touched it, or not since it had it back, is asked last:
 * its pages without I/O cost as much as the dearest of these elsewhere.
 */
#include "policy_internal.h"

#define POLICY_FREE_TOP BIT_ULL(12)
#define POLICY_CLASS_SHIFT 24
#define POLICY_STEPS (BELLOWS_CLASSES * BELLOWS_AGES)
/* End of class (0,0). */
#define POLICY_CALM_TOP BIT_ULL(POLICY_CLASS_SHIFT + POLICY_CALM / 4)
/* Of what costs no I/O, so much, in parts of 1024, must be memory of the host. */
#define POLICY_TOUCHED_LEAST 256
/* So much of what is free counts as memory of the host in any case. */
#define POLICY_TOUCHED_MIN 32

/* 1 << 24 times 2^(0/4) to 2^(4/4). */
static const u32 policy_quarters[] = {
	16777216, 19951585, 23726566, 28215802, 33554432,
};

/* One entry more, as far as the guest's memory goes. */
static u64 policy_curve_add(u64 sum, u64 pages, u64 whole)
{
	return min_t(u64, sum + policy_pages(pages), whole);
}

/* The guest keeps classes: take the entries as they come. */
static u64 policy_curve_classes(struct policy_guest *guest, u64 whole)
{
	u64 *sum = guest->work.sum;
	unsigned int group, age, entry = 1;

	for (group = 0; group < BELLOWS_CLASSES; group++)
		for (age = BELLOWS_AGES; age-- > 0; entry++)
			sum[entry] = policy_curve_add(
				sum[entry - 1],
				guest->report->class_pages[group][age], whole);

	return sum[POLICY_BUCKETS - 1] - sum[0];
}

/*
 * It does not: what is available but not free is clean cache of any age, and
 * the rest is in use.
 */
static void policy_curve_guess(struct policy_guest *guest, u64 whole)
{
	u64 *sum = guest->work.sum;
	u64 cache, rest;
	unsigned int entry, step;

	cache = policy_less(min_t(u64, guest->report->available_pages, whole),
			    sum[0]);
	rest = whole - sum[0] - cache;

	for (entry = 1; entry <= POLICY_CALM; entry++)
		sum[entry] = sum[0] + cache * entry / BELLOWS_AGES;

	for (; entry <= POLICY_STEPS - BELLOWS_AGES; entry++)
		sum[entry] = sum[POLICY_CALM];

	for (step = 1; entry < POLICY_BUCKETS; entry++, step++)
		sum[entry] = sum[POLICY_CALM] + rest * step / BELLOWS_AGES;
}

/* What shall stay available is not for sale: the dearest calm pages. */
static void policy_curve_keep(struct policy_guest *guest, u64 keep)
{
	u64 *sum = guest->work.sum;
	u64 available, calm, cut;
	unsigned int entry;

	available = policy_pages(guest->report->available_pages);
	calm = min_t(u64, sum[POLICY_CALM], policy_less(available, keep));
	cut = sum[POLICY_CALM] - calm;

	for (entry = 0; entry <= POLICY_CALM; entry++)
		sum[entry] = min_t(u64, sum[entry], calm);
	for (; entry < POLICY_BUCKETS; entry++)
		sum[entry] -= cut;
}

/* How many of its free pages take memory from the host; nothing is known for sure. */
static u32 policy_curve_touched(const struct policy_guest *guest)
{
	u64 free = policy_pages(guest->report->free_pages);

	if (free <= guest->work.untouched)
		return POLICY_TOUCHED_MIN;

	return max_t(u64, (free - guest->work.untouched) * 1024 / free,
		     POLICY_TOUCHED_MIN);
}

/* Whether next to nothing of what it could spare comes from the host. */
static bool policy_curve_hollow(const struct policy_guest *guest)
{
	u64 calm = policy_curve_calm(guest);
	u64 free = min(policy_curve_free(guest), calm);

	return policy_scale(free, guest->work.touched, 1024) + calm - free <
	       policy_scale(calm, POLICY_TOUCHED_LEAST, 1024);
}

void policy_curve_build(const struct policy_settings *settings,
			struct policy_guest *guest, bool emergency)
{
	struct policy_work *work = &guest->work;
	u64 claimed, back, whole, keep = work->ahead;
	unsigned int entry;

	if (!guest->report) {
		memset(work->sum, 0, sizeof(work->sum));
		work->held = 0;
		work->gone = 0;
		work->touched = 1024;
		return;
	}

	/* What moved since the report is not in it. */
	claimed = min_t(u64, guest->report->size_pages, work->total);
	back = policy_less(claimed, guest->size_pages);
	work->held = claimed - back;
	work->gone = policy_less(guest->size_pages, claimed);
	if (!policy_on(settings, POLICY_DEFENCE_LAG))
		work->gone = 0;

	whole = work->total - claimed + back;
	work->sum[0] = policy_curve_add(back, guest->report->free_pages, whole);
	if (!(guest->features & BELLOWS_F_CLASSES) ||
	    !policy_curve_classes(guest, whole))
		policy_curve_guess(guest, whole);

	if (!policy_on(settings, POLICY_DEFENCE_CURVE))
		for (entry = 0; entry < POLICY_BUCKETS; entry++)
			work->sum[entry] = whole * (entry + 1) / POLICY_BUCKETS;

	if (!emergency && policy_on(settings, POLICY_DEFENCE_BUFFER))
		keep += work->buffer;
	if (keep)
		policy_curve_keep(guest, policy_less(keep, back));
	work->touched = policy_curve_touched(guest);
	work->hollow = policy_curve_hollow(guest);
}

u64 policy_curve_calm(const struct policy_guest *guest)
{
	return policy_less(guest->work.sum[POLICY_CALM], guest->work.gone);
}

u64 policy_curve_all(const struct policy_guest *guest)
{
	return policy_less(guest->work.sum[POLICY_BUCKETS - 1],
			   guest->work.gone);
}

/*
 * Free pages that lie below a base price. When only some of them take memory from
 * the host, it takes more of them to bring as much, and each is as much dearer.
 */
static u64 policy_curve_below_free(const struct policy_work *work, u64 price)
{
	u64 pages = work->held + work->sum[0];

	price = min_t(u64, price * work->touched / 1024, POLICY_FREE_TOP);

	return policy_less(pages * price / POLICY_FREE_TOP, work->held);
}

/* Pages of the curve that lie below a base price. */
static u64 policy_curve_below(const struct policy_work *work, u64 price)
{
	const u64 *sum = work->sum;
	unsigned int octave, quarter, entry;
	u64 from, to;

	if (price < policy_quarters[0])
		return policy_curve_below_free(work, price);

	octave = fls64(price) - 1 - POLICY_CLASS_SHIFT;
	for (quarter = 0; quarter < 3; quarter++)
		if (price < (u64)policy_quarters[quarter + 1] << octave)
			break;

	entry = octave * 4 + quarter;
	if (entry >= POLICY_STEPS)
		return sum[POLICY_BUCKETS - 1];

	from = (u64)policy_quarters[quarter] << octave;
	to = (u64)policy_quarters[quarter + 1] << octave;

	return sum[entry] + (((sum[entry + 1] - sum[entry]) *
			      div64_u64((price - from) << 16, to - from)) >>
			     16);
}

u64 policy_curve_bounded(const struct policy_guest *guest, u64 price)
{
	const struct policy_work *work = &guest->work;
	u64 pages, calm;

	if (!work->allow)
		return 0;

	price = div_u64(price, work->price);
	if (work->hollow && price < POLICY_CALM_TOP)
		return 0;

	pages = policy_curve_below(work, price);
	pages = policy_less(pages, work->gone);
	calm = min_t(u64, pages, policy_curve_calm(guest));

	return min_t(u64, work->allow,
		     calm + min_t(u64, pages - calm, work->dear_allow));
}

u64 policy_curve_free(const struct policy_guest *guest)
{
	return policy_less(guest->work.sum[0], guest->work.gone);
}

u64 policy_worth_plain(const struct policy_guest *guest, u64 pages)
{
	return pages;
}

static u64 policy_level_sum(const struct policy_question *question,
			    struct policy_guest *guests[], unsigned int nr,
			    u64 level)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i < nr; i++)
		sum += question->worth(guests[i],
				       question->pages(guests[i], level));

	return sum;
}

/* Sets every guest to @low, and to its part of @rest on the way to @high. */
static u64 policy_level_set(const struct policy_question *question,
			    struct policy_guest *guests[], unsigned int nr,
			    u64 low, u64 high, u64 rest, u64 step)
{
	u64 part = step ? (min(rest, step) << 20) / step : 0;
	u64 sum = 0, pages, more;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		pages = question->pages(guests[i], low);
		more = question->pages(guests[i], high) - pages;
		guests[i]->work.got = pages + (more * part >> 20);
		sum += question->worth(guests[i], guests[i]->work.got);
	}

	return sum;
}

u64 policy_level(const struct policy_question *question,
		 struct policy_guest *guests[], unsigned int nr, u64 amount)
{
	u64 low = 0, high = question->top, middle;
	u64 low_sum = 0, high_sum, sum;

	amount = policy_pages(amount);
	high_sum = policy_level_sum(question, guests, nr, high);
	if (high_sum <= amount)
		return policy_level_set(question, guests, nr, high, high, 0, 0);

	/* A thousandth of the price is as good as the numbers are. */
	while (high - low > 1 + (low >> 10)) {
		middle = low + (high - low) / 2;
		sum = policy_level_sum(question, guests, nr, middle);
		if (sum <= amount) {
			low = middle;
			low_sum = sum;
		} else {
			high = middle;
			high_sum = sum;
		}
	}

	return policy_level_set(question, guests, nr, low, high,
				amount - low_sum, high_sum - low_sum);
}
