/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * No device: what a virtual miniport has on its bus. There is nothing here that could store, so
 * options that speak of the storage are refused; its size cannot be told from a default.
 */
#include "hw/hw.h"
#include "util/error.h"

#include <errno.h>

static const struct hw_model none;

static int none_create(const struct hw_config *config, struct hw_device **device)
{
	int err = hw_options_check(&none, config->options);

	if (err)
		return err;
	if (config->disk || config->read_only || config->block_size != 512 || config->medium)
		return error_set(EINVAL,
			"--hw none: without a device there is no use for --%s; a virtual miniport "
			"has its own storage.",
			config->disk	    ? "disk"
			: config->read_only ? "read-only"
			: config->medium    ? "fail"
					    : "block-size");
	*device = NULL;
	return 0;
}

static int none_destroy(struct hw_device *device)
{
	return 0;
}

static const struct hw_model none = {
	.name = "none",
	.help = "no device, for virtual miniports, which store themselves: --size means nothing",
	.options = "",
	.create = none_create,
	.destroy = none_destroy,
};

DRY_HW(none)
