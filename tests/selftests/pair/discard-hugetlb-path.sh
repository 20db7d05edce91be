#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Inflate and deflate a guest with hugetlbfs memory: the host really gets it, and no data is damaged.
#
# timeout: 400

. "$(dirname "$0")/discard.bash"

discard hugetlb-path huge_free_kib
