#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The doorbell rings what the guest published, and follows it (src/flat_doorbell.c).
#
# timeout: 240

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"

flat_test flat_doorbell
