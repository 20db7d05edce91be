// SPDX-License-Identifier: GPL-2.0
/*
 * The parameters of a host's module of another version; see other_host.h.
 */
#include <linux/module.h>

unsigned int other_version;
module_param(other_version, uint, 0444);
MODULE_PARM_DESC(other_version, "highest version of the ABI");

unsigned int other_features;
module_param(other_features, uint, 0444);
MODULE_PARM_DESC(other_features, "features that it has");
