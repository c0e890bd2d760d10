/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* A scatter/gather list as a picture: sgl_svg.c. Neighbour: sgl.c, the command. */
#ifndef DRY_CLI_SGL_H
#define DRY_CLI_SGL_H

#include <dryport.h>

#define SGL_SVG_PAGES_MAX 128 /* wider pictures say nothing at a glance */

/* Writes the picture into this file; false after a message. */
bool sgl_svg(const struct dry_sgl *sgl, const char *path);

#endif
