/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The Bellows protocol as a model for spin: two guests and the host, with every
 * lock, every hypercall, and every way in which one of them can go away. The
 * prose to it is Documentation/locking.rst; the programs beside this file run
 * it, once as the protocol is and once for each rule broken.
 *
 * What is in it
 *
 *   host    agent		hostmem, then each guest's vmem: writes the
 *				target; rings afterwards, under no lock
 *	   reaper		kill -9 at any moment, and KVM's destruction of
 *				the VM: our callback there queues work
 *	   teardown		that work: hostmem, then vmem
 *	   administrator	unloads the host module, loads it again
 *	   hypercalls		run in the guest's vCPU thread: HELLO, BYE and
 *				GRANT (hostmem, then vmem), RELEASE (vmem, then
 *				mmap_lock, then vmem, never two at once), PING
 *				(vmem)
 *   guest   worker		PING, HELLO, inflates, deflates
 *	   pressure		the OOM notifier, which deflates in any task;
 *				then the unload of the guest module
 *	   rude			instead of guest 1's worker and pressure: two
 *				vCPUs that make any hypercall at any time (-DRUDE)
 *   world   migration		of guest 0, at any moment between two calls
 *	   qemu			takes mmap_lock for writing (-DQEMU)
 *
 * What is left out, and why nothing is lost by it
 *
 *   - A look that finds nothing to do changes nothing, so the worker moves
 *     only when there is something to be found (WORK). Thereby a guest that
 *     is at rest is at rest, and a deadlock of two processes shows as an
 *     invalid end state although others could have polled for ever. The
 *     liveness run (-DLIVE) does poll for ever.
 *   - Time: an interval or grace period may end at any moment. The request
 *     LEAVING only makes the guest notice earlier what PING would tell it.
 *   - A page is a bit. Sizes of batches and blocks play no part in locking.
 *   - Spinlocks under which nothing waits (the table of guests, the shared
 *     page, zone->lock): what they guard is one step here.
 *   - Where memory goes after a migration is another host. The host here is the
 *     one that the guest arrives at; the one it left sees a VM die, which is
 *     the reaper's case.
 *
 * Waiting for memory under hostmem (host_alloc(), unless -DNO_HOST_ALLOC): the
 * code takes care not to allocate there, but it is easily done, directly or by a
 * page fault, and the host is short just when Bellows has work. So the protocol
 * is to stand it: in the model the first HELLO of a VM allocates under hostmem.
 * It waits as long as memory is on its way, that is while some guest is in the
 * middle of an inflation and none has arrived. When no guest is inflating it ends
 * one way or the other (swap, the OOM killer), which is not our affair. From this
 * follows that an inflation under way must never need hostmem, neither itself nor
 * by way of a lock that it waits for.
 *
 * Everything is bounded by budgets: the agent's rounds, OOMs, kills,
 * migrations, unloads. All of them may be left unused. When nothing can move
 * any more, the monitor checks the accounts; a process that is then anywhere
 * but at an end label is in a deadlock.
 */

/* Bounds. */
#ifndef GUESTS
#define GUESTS		2
#endif
#ifndef PAGES
#define PAGES		1	/* of each guest, 1 or 2 */
#endif
#ifndef ROUNDS
#define ROUNDS		1	/* of the agent in which it sets targets */
#endif
#ifndef OOMS
#define OOMS		1	/* in each guest that has any */
#endif
#ifndef OOM_GUESTS
#define OOM_GUESTS	1	/* how many have */
#endif
#ifndef LEAVES
#define LEAVES		0	/* guests whose module may be unloaded */
#endif
#ifndef KILLS
#define KILLS		0	/* guests that may be killed */
#endif
#ifndef MIGRATIONS
#define MIGRATIONS	0	/* in all */
#endif
#ifndef UNLOADS
#define UNLOADS		0	/* of the host module */
#endif
#ifndef RELOADS
#define RELOADS		0	/* loads after an unload */
#endif

#define ALL		((1 << PAGES) - 1)
#define COUNT(set)	(((set) & 1) + (((set) >> 1) & 1))
#define LOWEST(set)	(((set) & 1) -> 1 : 2)

/*
 * A mutex is the holder's number plus one, 0 when free. For liveness it is a
 * queue of those who want it, the head being the holder: the kernel's mutexes
 * hand over to a waiter rather than let him starve, and spin's weak fairness
 * alone does not say so.
 */
#ifdef LIVE
#define MUTEX(name)	chan name = [8] of { byte }
#define MUTEXES(name)	chan name[GUESTS] = [8] of { byte }
#define FREE(l)		(len(l) == 0)
inline lock(l)		{ l!_pid; l?<eval(_pid)> }
inline drop(l)		{ l?eval(_pid) }
#else
#define MUTEX(name)	byte name
#define MUTEXES(name)	byte name[GUESTS]
#define FREE(l)		(l == 0)
inline lock(l)		{ d_step { l == 0 -> l = _pid + 1 } }
inline drop(l)		{ assert(l == _pid + 1); l = 0 }
#endif
/* drop() is unlock() as the end of a d_step. */
inline unlock(l)	{ d_step { drop(l) } }

/*
 * SHORTLY(l) ... DONE_WITH(l): a section under a mutex inside of which nothing
 * waits. Nobody can tell it from a single step, which saves most of the states;
 * it still waits until the mutex is free. With -DLONG it is taken apart.
 */
#if defined(LIVE) || defined(LONG)
#define SHORTLY(l)	lock(l); d_step {
#define DONE_WITH(l)	}; unlock(l)
#else
#define SHORTLY(l)	d_step { FREE(l) ->
#define DONE_WITH(l)	}
#endif

/* ------------------------------------------------------------- the host */
MUTEX(hostmem);
MUTEXES(vmem);
/* mmap_lock of each VM: readers, a writer, a writer that waits. */
byte mmap_readers[GUESTS];
bool mmap_writer[GUESTS];
bool mmap_writer_waits[GUESTS];

/* Protected by vmem. */
bool registered[GUESTS];	/* and the shared page pinned */
bool known[GUESTS];		/* has an object in the table; table_lock */
byte account[GUESTS];		/* released - granted, pages */
byte target[GUESTS];		/* in the shared page, for the guest */

byte total;			/* of all accounts; atomic, no lock */
bool queued[GUESTS];		/* teardown work */

bool loaded = true;		/* the module's text is there */
bool hook = true;		/* hypercalls come to us */
byte in_flight;			/* calls in flight, counted by the hook */
byte uncounted;			/* in our text but not counted: the tail */
bool agent_stop;
bool agent_gone;

bool arrived;			/* memory came since the allocation began */
bool inflating[GUESTS];		/* memory is on its way */

/* -------------------------------------------------------------- a guest */
#define ABSENT	0		/* no host module */
#define PRESENT	1		/* registered, as far as the guest knows */
#define LOST	2		/* was registered; keeps the balloon for a while */

/*
 * The accord lock is the guest's outermost: it makes one piece of HELLO with the
 * size it declares, and of GRANT with the freeing that it allows. A guest in
 * which the worker alone did both would need none. Then comes the guest's own
 * vmem lock, inside of which no hypercall is made that may take hostmem.
 */
MUTEXES(guest_accord);
MUTEXES(guest_vmem);
byte link[GUESTS];
byte kernel[GUESTS];		/* pages that the guest's kernel has */
byte pool[GUESTS];		/* pages in the balloon; guest_vmem */
byte declared[GUESTS];		/* size_pages in the shared page */
bool bell[GUESTS];		/* the doorbell's interrupt */
bool busy[GUESTS];		/* the worker runs */
bool stop[GUESTS];		/* the guest module is being unloaded */
bool left[GUESTS];		/* it has been */
bool dead[GUESTS];		/* kill -9 was sent to QEMU */
byte in_host[GUESTS];		/* vCPUs of it that are inside a hypercall */

/* What the whole protocol is about: no page is the host's and the kernel's. */
#define OWNED_ONCE(g)	((kernel[g] & pool[g]) == 0)
#define NONE_LOST(g)	((kernel[g] | pool[g]) == ALL)

#if GUESTS > 1
#define SUM		(account[0] + account[1])
#define NONE_QUEUED	(!queued[0] && !queued[1])
/* Memory comes: a guest that lives is in the middle of an inflation. */
#define ON_ITS_WAY	((inflating[0] && !dead[0]) || \
			 (inflating[1] && !dead[1]))
#else
#define SUM		account[0]
#define NONE_QUEUED	(!queued[0])
#define ON_ITS_WAY	(inflating[0] && !dead[0])
#endif

/* --------------------------------------------------------- host: helpers */

inline mmap_read_lock(g)
{
	/* A rwsem lets no reader past a writer that waits. */
	d_step {
		!mmap_writer[g] && !mmap_writer_waits[g] -> mmap_readers[g]++
	}
}

inline mmap_read_unlock(g)
{
	d_step { assert(mmap_readers[g] > 0); mmap_readers[g]-- }
}

/* Nothing waits inside, so it is enough that it could be had. */
inline mmap_read_shortly(g)
{
	!mmap_writer[g] && !mmap_writer_waits[g]
}

/* Under mmap_lock. To discard what the guest's kernel uses is damage. */
inline discard(g, page)
{
	d_step { assert((kernel[g] & page) == 0); arrived = true }
}

/* Memory for a holder of hostmem. See the head of this file. */
inline host_alloc()
{
#ifndef NO_HOST_ALLOC
	arrived = false;
	arrived || !ON_ITS_WAY
#else
	skip
#endif
}

/* The account and the sum of all accounts. vmem held; part of a d_step. */
inline account_set(g, value)
{
	total = total - account[g] + (value);
	account[g] = value
}

/*
 * The hook is an ftrace callback: preemption is off, so it is one step. It
 * counts the call before it sends the vCPU into our text. A hypercall that
 * finds no hook is answered -ENOSYS by KVM and does not come here.
 */
inline call_enter(g)
{
	d_step {
		if
		:: hook ->
			called = true;
			in_host[g]++;
#ifdef COUNT_LATE
			uncounted++
#else
			in_flight++
#endif
		:: else -> called = false
		fi
	}
#ifdef COUNT_LATE
	if
	:: called -> d_step { assert(loaded); uncounted--; in_flight++ }
	:: else
	fi
#endif
}

/*
 * The end of a call, in two: the last of our instructions run when it is not
 * counted any more. The first is part of a d_step.
 */
inline call_done(g)
{
	assert(loaded);
	in_flight--;
#if UNLOADS > 0
	uncounted++
#else
	in_host[g]--;
	called = false
#endif
}

inline call_return(g)
{
#if UNLOADS > 0
	d_step {
		assert(loaded);
		uncounted--;
		in_host[g]--;
		called = false
	}
#else
	skip
#endif
}

/* hostmem and vmem in the order of the house, or the wrong way round. */
inline lock_both(g)
{
#ifdef REVERSED
	lock(vmem[g]); lock(hostmem)
#else
	lock(hostmem); lock(vmem[g])
#endif
}

inline drop_both(g)
{
	drop(vmem[g]); drop(hostmem)
}

/* ------------------------------------------------------ host: hypercalls
 * Each runs in the vCPU thread of the caller and leaves its answer in @answer:
 * NOBODY stands for -ENOSYS and -EPERM, which a guest treats alike.
 */
#define NOBODY	0
#define DONE	1
#define NOT_NOW	2		/* GRANT answered 0 pages */

inline hypercall_hello(g)
{
	answer = NOBODY;
	call_enter(g);
	if
	:: called ->
		/* Pins the shared page, under no lock of ours. */
		mmap_read_shortly(g);
		/* Finds the guest's object, or makes it. */
		lock(hostmem);
		if
		:: !known[g] ->
			/* Both allowed by the order, neither done by the code. */
			host_alloc();
			mmap_read_shortly(g);
			known[g] = true
		:: else
		fi;
		unlock(hostmem);
		lock(hostmem);
		lock(vmem[g]);
		d_step {
			assert(loaded);
			registered[g] = true;
			account_set(g, declared[g]);
			/* "No target yet": keep what you have. */
			target[g] = declared[g];
			answer = DONE;
			drop_both(g);
			call_done(g)
		};
		call_return(g)
	:: else
	fi
}

inline hypercall_bye(g)
{
	call_enter(g);
	if
	:: called ->
		lock(hostmem);
		lock(vmem[g]);
		d_step {
			assert(loaded);
			registered[g] = false;
			account_set(g, 0);
			drop_both(g);
			call_done(g)
		};
		call_return(g)
	:: else
	fi
}

inline hypercall_ping(g)
{
	answer = NOBODY;
	call_enter(g);
	if
	:: called ->
		SHORTLY(vmem[g])
			if
			:: registered[g] -> answer = DONE
			:: else
			fi
		DONE_WITH(vmem[g]);
		d_step { call_done(g) };
		call_return(g)
	:: else
	fi
}

/* @page: the page given, 0 for one that is not the guest's to give */
inline hypercall_release(g, page)
{
	answer = NOBODY;
	call_enter(g);
	if
	:: called ->
#ifdef RELEASE_TAKES_HOSTMEM
		lock(hostmem);
#endif
		/* Who is it? The batch page is copied here, into our memory. */
		SHORTLY(vmem[g])
			if
			:: registered[g] -> answer = DONE
			:: else
			fi
		DONE_WITH(vmem[g]);
		if
		:: answer == DONE ->
#ifdef COPY_UNDER_MMAP
			mmap_read_lock(g);
			/* A page fault, which takes mmap_lock again. */
			mmap_read_shortly(g);
			discard(g, page);
			mmap_read_unlock(g);
#else
			mmap_read_shortly(g);
			discard(g, page);
#endif
#ifdef ACCOUNT_UNLOCKED
			read = account[g];
			d_step { account_set(g, read + 1) }
#else
			SHORTLY(vmem[g])
				/* With another vCPU's BYE meanwhile it is not ours. */
				if
				:: registered[g] && (page || account[g] < PAGES) ->
					account_set(g, account[g] + 1)
				:: else
				fi
			DONE_WITH(vmem[g])
#endif
		:: else
		fi;
#ifdef RELEASE_TAKES_HOSTMEM
		unlock(hostmem);
#endif
		d_step { call_done(g) };
		call_return(g)
	:: else
	fi
}

inline hypercall_grant(g)
{
	answer = NOBODY;
	call_enter(g);
	if
	:: called ->
		lock_both(g);
		d_step {
			if
			:: registered[g] && account[g] ->
				account_set(g, account[g] - 1);
				/* Or it would be asked for it again at once. */
				if
				:: target[g] > account[g] ->
					target[g] = account[g]
				:: else
				fi;
				answer = DONE
			:: registered[g] && !account[g] ->
				answer = NOT_NOW
			:: else
			fi;
			drop_both(g);
			call_done(g)
		};
		call_return(g)
	:: else
	fi
}

/* ---------------------------------------------------- guest: the balloon */

/*
 * One page back to the guest's kernel. @must: the kernel is out of memory and
 * takes it although the host does not answer.
 */
inline deflate(g, must)
{
#ifndef NO_ACCORD
	lock(guest_accord[g]);
#endif
#ifdef GRANT_UNDER_VMEM
	lock(guest_vmem[g]);
#endif
	if
	:: link[g] == PRESENT ->
		hypercall_grant(g);
		if
		:: answer == NOBODY -> link[g] = LOST
		:: else
		fi
	:: else -> answer = NOBODY
	fi;
#ifdef GRANT_UNDER_VMEM
	d_step {
#elif defined(DEFLATE_UNLOCKED)
	/* The list as it was when it was looked at. */
	read = pool[g];
	d_step {
#else
	SHORTLY(guest_vmem[g])
#endif
		if
		:: pool[g] && (answer == DONE || (must && answer == NOBODY)) ->
#ifdef DEFLATE_UNLOCKED
			page = LOWEST(read);
			pool[g] = read & ~page
#else
			page = LOWEST(pool[g]);
			pool[g] = pool[g] & ~page
#endif
		:: else ->
			page = 0
		fi;
		answer = NOBODY
#if defined(GRANT_UNDER_VMEM) || defined(DEFLATE_UNLOCKED)
	};
#ifdef GRANT_UNDER_VMEM
	unlock(guest_vmem[g]);
#endif
#else
	DONE_WITH(guest_vmem[g]);
#endif
	/* It is in no list now: back to the buddy, under zone->lock. */
	d_step {
		assert(!(kernel[g] & page));
		kernel[g] = kernel[g] | page;
		page = 0
	};
#ifndef NO_ACCORD
	unlock(guest_accord[g])
#else
	skip
#endif
}

/*
 * One page from the guest's kernel to the host. RELEASE is made under vmem, so
 * that the pool never differs from what the host was told.
 */
inline inflate(g)
{
	d_step {
		/* Taken from the buddy under zone->lock, and in no list. */
		inflating[g] = true;
		page = (kernel[g] -> LOWEST(kernel[g]) : 0);
		kernel[g] = kernel[g] & ~page
#ifdef POOL_BEFORE_RELEASE
		; pool[g] = pool[g] | page
#endif
	};
	if
	:: page ->
#ifndef RELEASE_OUTSIDE_VMEM
		lock(guest_vmem[g]);
#endif
		hypercall_release(g, page);
#ifdef RELEASE_OUTSIDE_VMEM
		lock(guest_vmem[g]);
#endif
		d_step {
			if
			:: answer == DONE ->
				pool[g] = pool[g] | page;
				page = 0
			:: else ->
#ifdef POOL_BEFORE_RELEASE
				pool[g] = pool[g] & ~page;
#endif
				link[g] = LOST
			fi;
			answer = NOBODY;
			drop(guest_vmem[g])
		};
		/* What nobody took goes back where it was. */
		d_step { kernel[g] = kernel[g] | page; page = 0 }
	:: else
	fi;
	inflating[g] = false
}

inline say_hello(g)
{
#ifndef NO_ACCORD
	lock(guest_accord[g]);
#endif
	SHORTLY(guest_vmem[g])
		declared[g] = COUNT(pool[g])
	DONE_WITH(guest_vmem[g]);
	hypercall_hello(g);
	d_step {
		declared[g] = 0;
		if
		:: answer == DONE -> link[g] = PRESENT
		:: else
		fi;
		answer = NOBODY
	};
#ifndef NO_ACCORD
	unlock(guest_accord[g]);
#endif
}

/* Everything back to the kernel; the host has no account of us. */
inline empty_pool(g)
{
	SHORTLY(guest_vmem[g])
		kernel[g] = kernel[g] | pool[g];
		pool[g] = 0
	DONE_WITH(guest_vmem[g])
}

/* A registration that is not there any more: what PING finds out. */
#define GONE(g)		(!hook || !registered[g])
#define FOLLOWED(g)	(COUNT(pool[g]) == target[g])

/* What the worker would find, were it to look. */
#define WORK(g)		((link[g] == PRESENT && (GONE(g) || !FOLLOWED(g))) || \
			 (link[g] != PRESENT && hook) || link[g] == LOST)

#ifdef NO_POLL
#define WOKEN(g)	(bell[g] || link[g] != PRESENT)
#else
#define WOKEN(g)	true
#endif

#ifdef LIVE
#define LOOK(g)		true
#else
#define LOOK(g)		WORK(g)
#endif

/* vCPU threads do not stop inside the host: the call first comes to its end. */
#define KILLED(g)	(dead[g] && !called)

#define NOTHING	0
#define ASK	1
#define GIVE	2
#define TAKE	3
#define GREET	4
#define EMPTY	5

proctype worker(byte g)
{
	byte todo;
	bool called;
	byte answer;
	byte page;
	byte read;

	{
end_idle:
		do
		:: d_step {
			!stop[g] && WOKEN(g) && LOOK(g) ->
			busy[g] = true;
			bell[g] = false;
			if
			:: link[g] == PRESENT && GONE(g) ->
				todo = ASK
			:: link[g] == PRESENT && !GONE(g) &&
			   COUNT(pool[g]) < target[g] ->
				todo = GIVE
			:: link[g] == PRESENT && !GONE(g) &&
			   COUNT(pool[g]) > target[g] ->
				todo = TAKE
			:: link[g] != PRESENT && hook ->
				todo = GREET
			:: link[g] == LOST && !hook ->
				todo = EMPTY
			:: else ->
				todo = NOTHING
			fi
		   };
		   if
		   :: todo == ASK ->
			hypercall_ping(g);
			if
			:: answer == NOBODY -> link[g] = LOST
			:: else
			fi;
			answer = NOBODY
		   :: todo == GIVE ->
			inflate(g)
		   :: todo == TAKE ->
			deflate(g, false)
		   :: todo == GREET ->
			say_hello(g)
		   :: todo == EMPTY ->
			/* The grace period is over. */
			lock(guest_accord[g]);
			empty_pool(g);
			link[g] = ABSENT;
			unlock(guest_accord[g])
		   :: else
		   fi;
		   d_step { todo = NOTHING; busy[g] = false }
		od
	} unless { KILLED(g) }
}

proctype pressure(byte g; byte ooms; byte leaves)
{
	bool called;
	byte answer;
	byte page;
	byte read;

	{
end_calm:
		do
		:: ooms && pool[g] ->
			ooms--;
			deflate(g, true)
		:: ooms ->
			ooms = 0
		:: !ooms ->
			break
		od;
end_stay:
		if
		:: leaves ->
			/* Nothing of ours may run from here on but this. */
			stop[g] = true;
			!busy[g];
			lock(guest_accord[g]);
			if
			:: link[g] == PRESENT -> hypercall_bye(g)
			:: else
			fi;
			empty_pool(g);
			d_step { link[g] = ABSENT; left[g] = true };
			unlock(guest_accord[g])
		:: true
		fi
	} unless { KILLED(g) }
}

/* A vCPU of a guest that keeps no rule. Its pages are of no interest. */
proctype rude(byte g; byte calls)
{
	bool called;
	byte answer;
	byte page;
	byte read;

	{
end_rude:
		do
		:: calls ->
			calls--;
			if
			:: hypercall_hello(g)
			:: hypercall_bye(g)
			:: hypercall_release(g, 0)
			:: hypercall_grant(g)
			:: hypercall_ping(g)
			:: calls = 0
			fi;
			answer = NOBODY
		:: else -> break
		od
	} unless { KILLED(g) }
}

/* ------------------------------------------------------- host: processes */

proctype agent()
{
	byte g = 0;
	byte rounds = ROUNDS;

end_agent:
	do
	:: agent_stop ->
		agent_gone = true;
end_stopped:
		d_step { !agent_stop -> agent_gone = false }
#ifdef LIVE
	:: !agent_stop ->
		/* Looks for ever, sets targets while the budget lasts. */
		if
		:: rounds -> rounds--
		:: true -> goto look
		fi;
#else
	:: !agent_stop && rounds ->
		if
		:: rounds--
		:: rounds = 0; goto idle
		fi;
#endif
		lock(hostmem);
#ifdef AGENT_ALLOC
		host_alloc();
#endif
		do
		:: g < GUESTS ->
			lock(vmem[g]);
			assert(loaded);
			if
			:: registered[g] ->
				if
				:: target[g] = PAGES
				:: target[g] = 0
				fi
			:: else
			fi;
			unlock(vmem[g]);
			g++
		:: else -> break
		od;
		g = 0;
		unlock(hostmem);
#ifdef NO_POLL
		/* Rings when no lock is held; a stale message rings nothing. */
		do
		:: g < GUESTS ->
			if
			:: bell[g] = true
			:: skip
			fi;
			g++
		:: else -> break
		od;
		g = 0;
#endif
#ifdef LIVE
		goto idle;
look:
		lock(hostmem);
		do
		:: g < GUESTS ->
			lock(vmem[g]);
			unlock(vmem[g]);
			g++
		:: else -> break
		od;
		g = 0;
		unlock(hostmem);
#endif
idle:
		skip
	od
}

/*
 * kill -9 at any moment. KVM destroys the VM when the last vCPU thread has
 * gone; our callback there runs with preemption off, takes the guest out of the
 * table, which only one can do, and queues the rest.
 */
proctype reaper(byte g)
{
	if
	:: dead[g] = true
	:: true -> goto spared
	fi;
	d_step {
		in_host[g] == 0 ->
		if
		:: known[g] ->
			assert(loaded);
			known[g] = false;
			queued[g] = true
		:: else
		fi
	};
spared:
	skip
}

/* The workqueue's item for one guest: what the callback could not do. */
proctype teardown(byte g)
{
end_idle:
	do
	:: queued[g] ->
		d_step { assert(loaded); skip };
		lock(hostmem);
		lock(vmem[g]);
		d_step {
			assert(loaded);
			registered[g] = false;
			account_set(g, 0);
			drop_both(g)
		};
		d_step { assert(loaded); queued[g] = false }
	od
}

/* rmmod bellows_host, and modprobe. */
proctype administrator()
{
	byte g = 0;
	byte unloads = UNLOADS;
	byte reloads = RELOADS;

end_up:
	do
	:: unloads ->
		unloads--;
#ifdef UNLOAD_UNDER_HOSTMEM
		lock(hostmem);
#endif
		/* unregister_ftrace_function(): no callback runs after it. */
		hook = false;
#ifndef UNLOAD_NO_WAIT
		in_flight == 0;
#endif
#ifndef UNLOAD_NO_TAIL
		/*
		 * synchronize_rcu_tasks(): whoever was in our text and has not
		 * slept since is out of it. One who is counted may sleep in
		 * there, so this waits for the uncounted only.
		 */
		uncounted == 0;
#endif
		/* kthread_stop() */
		agent_stop = true;
		agent_gone;
		/* Everyone out of the table; a VM may die meanwhile. */
		do
		:: g < GUESTS ->
			d_step {
				if
				:: known[g] ->
					known[g] = false;
					queued[g] = true
				:: else
				fi
			};
			g++
		:: else -> break
		od;
#ifndef UNLOAD_NO_FLUSH
		/* flush_workqueue() */
		NONE_QUEUED;
#endif
		g = 0;
#ifdef UNLOAD_UNDER_HOSTMEM
		unlock(hostmem);
#endif
		/* The callback for deaths is unhooked: the table is empty. */
		loaded = false;
		if
		:: reloads ->
			reloads--;
			d_step { loaded = true; agent_stop = false };
			hook = true
		:: true -> break
		fi
	:: true -> break
	od
}

/* ------------------------------------------------------------- the world */

/*
 * Live migration. All vCPUs are stopped, so none is inside a call; the host
 * that the guest arrives at has no registration and no account of it.
 */
proctype migration(byte g)
{
	byte times = MIGRATIONS;

	do
	:: times ->
		times--;
		d_step {
			in_host[g] == 0 && FREE(hostmem) && FREE(vmem[g]) ->
			registered[g] = false;
			known[g] = false;
			account_set(g, 0)
		}
	:: true -> break
	od
}

proctype qemu(byte g)
{
	if
	:: !dead[g] ->
		mmap_writer_waits[g] = true;
end_never:
		d_step {
			mmap_readers[g] == 0 ->
			mmap_writer_waits[g] = false;
			mmap_writer[g] = true
		};
		mmap_writer[g] = false
	:: true
	fi
}

/* -------------------------------------------------------- what must hold */

#define AT_REST(g) \
	(FREE(hostmem) && FREE(vmem[g]) && in_flight == 0 && uncounted == 0 && \
	 in_host[g] == 0 && !queued[g] && \
	 (dead[g] || (FREE(guest_accord[g]) && FREE(guest_vmem[g]) && !busy[g])))

#if GUESTS > 1
#define ALL_AT_REST	(AT_REST(0) && AT_REST(1))
#else
#define ALL_AT_REST	AT_REST(0)
#endif

inline check(g)
{
	if
	:: dead[g] || left[g] ->
		/* Nothing is owed, nothing is pinned. */
		assert(!registered[g] && account[g] == 0);
		assert(dead[g] -> !known[g] : kernel[g] == ALL)
	:: else ->
		assert(OWNED_ONCE(g));
		assert(NONE_LOST(g));
		/* No host module, no balloon; otherwise all is as it was asked. */
		assert(hook == (link[g] == PRESENT));
		assert(hook || pool[g] == 0);
		assert(registered[g] == (link[g] == PRESENT));
		assert(account[g] == COUNT(pool[g]));
		assert(!hook || FOLLOWED(g))
	fi
}

/* Waits until nothing moves. Where that is a deadlock, spin says so itself. */
proctype monitor()
{
	atomic {
		timeout ->
		if
		:: ALL_AT_REST ->
			check(0);
#if GUESTS > 1
#ifndef RUDE
			check(1);
#endif
#endif
			assert(total == SUM)
		:: else
		fi
	}
}

/*
 * Where it begins: with nothing, or (-DWARM) with a balloon in guest 0, so that
 * all of the protocol is within reach of small budgets.
 */
inline begin_cold(g)
{
	kernel[g] = ALL
}

inline begin_warm(g)
{
	known[g] = true;
	registered[g] = true;
	link[g] = PRESENT;
	kernel[g] = 1;
	pool[g] = ALL & ~1;
	target[g] = COUNT(pool[g]);
	account[g] = COUNT(pool[g]);
	total = account[g]
}

init {
	atomic {
#ifdef WARM
		begin_warm(0);
#else
		begin_cold(0);
#endif
		run worker(0);
		run pressure(0, OOMS, LEAVES > 0);
#if GUESTS > 1
		begin_cold(1);
#ifdef RUDE
		run rude(1, RUDE);
		run rude(1, RUDE);
#else
		run worker(1);
#if OOM_GUESTS > 1 || LEAVES > 1
		run pressure(1, (OOM_GUESTS > 1 -> OOMS : 0), LEAVES > 1);
#endif
#endif
#endif
		run agent();
#if KILLS > 0
		run reaper(0);
#endif
#if KILLS > 1
		run reaper(1);
#endif
#if KILLS > 0 || UNLOADS > 0
		run teardown(0);
#if GUESTS > 1
		run teardown(1);
#endif
#endif
#if UNLOADS > 0
		run administrator();
#endif
#if MIGRATIONS > 0
		run migration(0);
#endif
#ifdef QEMU
		run qemu(0);
#endif
#ifndef LIVE
		run monitor()
#endif
	}
}

#ifdef LIVE
/*
 * When host and guest stay up, the balloon in the end is, and stays, what the
 * host asked for; however often the registration was lost before.
 */
#define up		(hook && loaded && !dead[0] && !stop[0])
#define followed	(link[0] == PRESENT && registered[0] && FOLLOWED(0))
ltl follows { (<>[] up) -> (<>[] followed) }
#endif
