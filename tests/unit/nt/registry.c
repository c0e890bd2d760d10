/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The tree of keys and values. */
#include "reg_kit.h"

NT_TEST(names_compare_without_regard_to_letter_case_and_subkeys_stand_in_their_order)
{
	static const char *const made[] = {"b", "\u00c4rger", "A", "c"}, *const order[] = {"A", "b",
										 "c", "\u00c4rger"};
	struct reg_key *top, *key;
	bool is_new;

	CHECK_EQUAL(reg_key_make(reg_root(), NAME("Machine\\T"), false, false, &top, &is_new), 0);
	CHECK(is_new);
	for (size_t n = 0; n < array_size(made); n++)
		CHECK_EQUAL(reg_key_make(top, NAME(made[n]), false, false, &key, NULL), 0);
	key = top->child;
	for (size_t n = 0; n < array_size(order); n++, key = key->next)
		CHECK(key && !reg_name_compare(&key->name, NAME(order[n])));
	CHECK(kit_key("mAcHiNe\\t\\\u00e4RGER") == reg_key_child(top, NAME("\u00c4rger")));
	CHECK_EQUAL(reg_key_make(top, NAME("B"), false, false, &key, &is_new), 0);
	CHECK(!is_new && key == reg_key_child(top, NAME("b")));
}

NT_TEST(a_path_has_to_be_there_but_for_its_last_name)
{
	struct reg_key *key;

	CHECK_EQUAL(reg_key_make(reg_root(), NAME("Machine\\No\\More"), false, false, &key, NULL),
		STATUS_OBJECT_NAME_NOT_FOUND);
	CHECK(!kit_key("Machine\\No"));
	CHECK_EQUAL(
		reg_key_make(reg_root(), NAME("Machine\\No\\More"), true, false, &key, NULL), 0);
	CHECK_EQUAL(
		reg_key_find(reg_root(), NAME("Machine\\\\No"), &key), STATUS_OBJECT_NAME_INVALID);
	CHECK_EQUAL(
		reg_key_find(reg_root(), NAME("Machine\\No\\"), &key), STATUS_OBJECT_NAME_INVALID);
}

NT_TEST(names_have_255_characters_at_most_and_paths_512_parts)
{
	char text[2 * 600 + 1];
	static WCHAR wide[1300];
	UNICODE_STRING path;
	struct reg_key *key;

	memset(text, 'n', sizeof(text));
	text[256] = 0;
	CHECK_EQUAL(reg_key_make(kit_key("Machine"), NAME(text), true, false, &key, NULL),
		STATUS_OBJECT_NAME_INVALID);
	text[255] = 0;
	CHECK_EQUAL(reg_key_make(kit_key("Machine"), NAME(text), true, false, &key, NULL), 0);
	for (unsigned n = 0; n < 600; n++)
		memcpy(text + 2 * n, "x\\", 2);
	/* Machine is the first below the root. */
	path = reg_string(wide, reg_widen(text, 2 * 512 - 1, wide, array_size(wide)));
	CHECK_EQUAL(reg_key_make(kit_key("Machine"), &path, true, false, &key, NULL),
		STATUS_OBJECT_NAME_INVALID);
	reg_key_delete_tree(kit_key("Machine\\x"));
	CHECK(!kit_key("Machine\\x"));
	path.Length = 2 * (2 * 511 - 1);
	CHECK_EQUAL(reg_key_make(kit_key("Machine"), &path, true, false, &key, NULL), 0);
}

NT_TEST(the_root_and_its_subkeys_stay)
{
	struct reg_key *machine = kit_key("Machine");

	CHECK_EQUAL(reg_key_delete(machine), STATUS_CANNOT_DELETE);
	reg_key_delete_tree(machine);
	CHECK(kit_key("Machine") == machine && !machine->child);
	CHECK_EQUAL(reg_key_delete(machine), STATUS_CANNOT_DELETE);
}

NT_TEST(the_first_control_set_is_the_current_one)
{
	struct reg_key *key;

	CHECK(kit_key("Machine\\System\\ControlSet001\\Services") ==
		kit_key("Machine\\System\\CurrentControlSet\\Services"));
	CHECK_EQUAL(reg_key_make(reg_root(), NAME("Machine\\System\\A\\CurrentControlSet"), true,
			    false, &key, NULL),
		0);
	CHECK(!kit_key("Machine\\System\\A\\ControlSet001"));
}

NT_TEST(a_value_is_replaced_in_its_place)
{
	struct reg_key *key = kit_key("Machine\\SOFTWARE");

	CHECK_EQUAL(reg_value_set(key, NAME("one"), REG_BINARY, "ab", 2), 0);
	CHECK_EQUAL(reg_value_set(key, NAME("two"), REG_NONE, NULL, 0), 0);
	CHECK_EQUAL(reg_value_set(key, NAME("ONE"), 99, "xyz", 3), 0);
	CHECK(kit_is("Machine\\SOFTWARE", "one", 99, "xyz", 3));
	CHECK(!reg_name_compare(&key->values->name, NAME("one")));
	CHECK(kit_is("Machine\\SOFTWARE", "two", REG_NONE, "", 0));
	CHECK_EQUAL(reg_value_set(key, NAME("x"), 3, "", REG_DATA_MAX + 1ull),
		STATUS_INVALID_PARAMETER);
	CHECK(reg_value_delete(key, NAME("oNe")));
	CHECK(!reg_value_delete(key, NAME("one")));
	CHECK(kit_value("Machine\\SOFTWARE", "two"));
}

NT_TEST(below_a_volatile_key_all_are_volatile)
{
	struct reg_key *key;

	CHECK_EQUAL(reg_key_make(reg_root(), NAME("Machine\\V"), false, true, &key, NULL), 0);
	CHECK_EQUAL(reg_key_make(key, NAME("n"), false, false, &key, NULL),
		STATUS_CHILD_MUST_BE_VOLATILE);
	CHECK_EQUAL(reg_key_make(key, NAME("n"), false, true, &key, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			names_compare_without_regard_to_letter_case_and_subkeys_stand_in_their_order),
		cmocka_unit_test(a_path_has_to_be_there_but_for_its_last_name),
		cmocka_unit_test(names_have_255_characters_at_most_and_paths_512_parts),
		cmocka_unit_test(the_root_and_its_subkeys_stay),
		cmocka_unit_test(the_first_control_set_is_the_current_one),
		cmocka_unit_test(a_value_is_replaced_in_its_place),
		cmocka_unit_test(below_a_volatile_key_all_are_volatile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
