#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The yardstick: stock virtio_balloon inflates on a QMP command, and the host gets memory for it.

. "$(dirname "$0")/../lib.sh"

guest_start a || die "no guest"
check "the stock driver loads" guest_run a 'modprobe virtio_balloon'
# Touched pages only come back to the host if they are given up.
check "the guest touches its memory" guest_run a "head -c 350m /dev/zero >/dev/shm/x; rm /dev/shm/x"
before=$(host_free_kib)
check "QEMU takes the command" guest_balloon a 256
check "the guest reaches the size" wait_until 60 \
	'guest_qmp a "{\"execute\":\"query-balloon\"}" | grep -q "\"actual\": 268435456"'
check_range "MiB that came back to the host" 100 $((($(host_free_kib) - before) / 1024)) 400
check "and deflates again" guest_balloon a 512
