#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# However a VM ends, the host forgets it (src/flat_death.c).
#
# timeout: 400

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"

flat_test flat_death
