#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The host's account of a guest (src/flat_account.c).
#
# timeout: 240

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"

flat_test flat_account
