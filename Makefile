# SPDX-License-Identifier: GPL-2.0
#
# Bellows: memory ballooning for KVM. `make` alone prints what there is.

# Kernel release to test with; see scripts/kernels. `make check` knows "all", too.
K ?= 6.1
# Those of "all". What needs no VM is run with the first one only.
K_ALL := 6.1 6.12 7.2-debug
# Kernel to build for: the running one, unless told otherwise.
KDIR ?= /lib/modules/$(shell uname -r)/build
# Where the modules of this kernel are built; the source tree stays clean.
RELEASE = $(shell sed -n 's/^.*UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h)
OUT = build/$(RELEASE)
# Which tests `make check` runs, a shell pattern such as 'pair/*'.
T ?= *
# How many minutes `make check` may take, some of it skipped if need be; no limit when empty.
WITHIN ?=
# Which benchmark `make bench` runs.
B ?= *
# How many minutes `make soak` takes; its own default when empty.
MIN ?=
# How many inputs `make fuzz` tries; its own default when empty.
RUNS ?=
# Where modprobe finds what is said to it.
MODPROBE_DIR ?= /etc/modprobe.d
# Passed on to Kbuild: W=1, C=1, ...
KFLAGS ?=

.DEFAULT_GOAL := help
.PHONY: help modules install uninstall demo check check-fast fuzz soak bench bench-report clean

help:
	@echo 'Bellows: memory ballooning for KVM that takes memory where it hurts least.'
	@echo
	@echo '  make demo                  see the pair at work in real KVM guests (3 minutes)'
	@echo '  make check                 run all tests (an hour); T=GLOB runs a part, such as T="pair/*",'
	@echo '                             WITHIN=N what can be begun in N minutes, K=7.2-debug some of them on a'
	@echo '                             kernel with lockdep, KASAN and kmemleak, K=all on all three kernels'
	@echo '  make check-fast            the tests that need no VM (a minute)'
	@echo '  make fuzz [RUNS=N]         what guests and hosts say, at random, against who reads it (some minutes)'
	@echo '  make soak [MIN=N]          both modules for a long time, with all that can happen (30 minutes)'
	@echo '  make bench                 measure against the stock driver; B=NAME one of them'
	@echo '  make bench-report          what was measured last, into Documentation/performance.rst'
	@echo
	@echo '  make modules [KDIR=DIR]    build bellows_guest.ko and bellows_host.ko into build/'
	@echo '  make install [KDIR=DIR]    install both for that kernel, as root'
	@echo '  make uninstall [KDIR=DIR]  take them away again'
	@echo '  make clean                 remove build/'
	@echo
	@echo '  scripts/vm shell           a shell in a host VM with KVM, to try things by hand'
	@echo
	@echo 'demo, check and bench install what they need and build for the kernel K ($(K)).'

modules:
	@test -e $(KDIR)/Makefile || { \
		echo "make: no kernel headers in $(KDIR)." >&2; \
		echo "Install them (Debian: apt-get install linux-headers-amd64) or say KDIR=..." >&2; \
		exit 1; }
	@mkdir -p $(OUT)
	@scripts/sync-source $(OUT)
	$(MAKE) -C $(KDIR) M=$(CURDIR)/$(OUT) $(KFLAGS) modules

install: modules
	$(MAKE) -C $(KDIR) M=$(CURDIR)/$(OUT) modules_install INSTALL_MOD_DIR=updates
	depmod $(RELEASE)
	install -D -m 644 scripts/modprobe.conf $(MODPROBE_DIR)/bellows.conf
	@echo "make: in a guest, run 'update-initramfs -u' for the next boot (Documentation/guide.rst)"

uninstall:
	rm -f /lib/modules/$(RELEASE)/updates/bellows_guest.ko* \
	      /lib/modules/$(RELEASE)/updates/bellows_host.ko* \
	      $(MODPROBE_DIR)/bellows.conf
	depmod $(RELEASE)

demo:
	@scripts/demo -K $(K)

check:
ifeq ($(K),all)
	@failed=0 within='$(WITHIN)' started=$$(date +%s); \
	for k in $(K_ALL); do \
		passed=$$((($$(date +%s) - started) / 60)); \
		tests/run -K $$k $$([ $$k = $(firstword $(K_ALL)) ] || echo --selftests) \
			$${within:+--within $$((within > passed ? within - passed : 0))} '$(T)' || failed=1; \
		[ ! -d build/check ] || { rm -rf build/check-$$k; mv build/check build/check-$$k; }; \
	done; exit $$failed
else
	@tests/run -K $(K) $(if $(WITHIN),--within '$(WITHIN)') '$(T)'
endif

check-fast:
	@tests/run --fast '$(T)'

fuzz:
	@scripts/fuzz $(RUNS)

soak:
	@scripts/soak -K $(K) $(MIN)

bench:
	@scripts/bench -K $(K) '$(B)'

bench-report:
	@scripts/bench-report

clean:
	rm -rf build
