/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Names as clang for Windows writes them (read off llvm-undname), and names that are something
 * else. */
#include "util/cxx_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void is(const char *mangled, const char *expected, bool read)
{
	char name[64];

	assert_int_equal(cxx_name_read(mangled, name, sizeof(name)), read);
	if (strcmp(name, expected))
		fail_msg("%s is %s, expected %s", mangled, name, expected);
}

static void names_of_functions_and_members(void **state)
{
	is("?start@@YAHH@Z", "start", true);
	is("?Start@Adapter@@QEAAEXZ", "Adapter::Start", true);
	is("?Start@Adapter@disk@@UEAAEPEAX@Z", "disk::Adapter::Start", true);
	is("?find@?A0x1B2C3D4E@@YAHXZ", "(anonymous)::find", true);
	is("?adapters@@3PEAVAdapter@@EA", "adapters", true);
}

static void digits_stand_for_earlier_names(void **state)
{
	/* a::a::f and f::f */
	is("?f@a@1@YAXXZ", "a::a::f", true);
	is("?f@0@YAXXZ", "f::f", true);
	is("?f@7@YAXXZ", "?f@7@YAXXZ", false);
}

static void constructors_and_operators(void **state)
{
	is("??0Adapter@@QEAA@XZ", "Adapter::Adapter", true);
	is("??1Adapter@disk@@UEAA@XZ", "disk::Adapter::~Adapter", true);
	is("??_GAdapter@@UEAAPEAXI@Z", "Adapter::~Adapter", true);
	is("??2@YAPEAX_K@Z", "operator new", true);
	is("??3@YAXPEAX@Z", "operator delete", true);
	is("??2Adapter@@SAPEAX_K@Z", "Adapter::operator new", true);
	is("??_V@YAXPEAX@Z", "operator delete[]", true);
}

static void what_is_not_understood_stays_as_it_is(void **state)
{
	is("DriverEntry", "DriverEntry", false);
	is("", "", false);
	is("?", "?", false);
	is("??", "??", false);
	is("?x", "?x", false);
	is("?x@", "?x@", false);
	is("??$max@H@@YAHHH@Z", "??$max@H@@YAHHH@Z", false);
	is("??HNumber@@QEAAHH@Z", "??HNumber@@QEAAHH@Z", false);
	is("?a@b@c@d@e@f@g@h@i@j@k@l@m@n@o@p@q@@YAXXZ", "?a@b@c@d@e@f@g@h@i@j@k@l@m@n@o@p@q@@YAXXZ",
		false);
}

static void a_name_that_does_not_fit_is_cut(void **state)
{
	char name[8] = "xxxxxxx";

	assert_true(cxx_name_read("?Start@Adapter@@QEAAEXZ", name, sizeof(name)));
	assert_string_equal(name, "Adapter");
}

static void only_names_of_cxx_begin_so(void **state)
{
	assert_true(cxx_name_is("?Start@Adapter@@QEAAEXZ"));
	assert_true(!cxx_name_is("Start"));
	assert_true(!cxx_name_is("?"));
	assert_true(!cxx_name_is(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_functions_and_members),
		cmocka_unit_test(digits_stand_for_earlier_names),
		cmocka_unit_test(constructors_and_operators),
		cmocka_unit_test(what_is_not_understood_stays_as_it_is),
		cmocka_unit_test(a_name_that_does_not_fit_is_cut),
		cmocka_unit_test(only_names_of_cxx_begin_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
