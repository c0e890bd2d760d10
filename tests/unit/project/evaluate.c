/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What a project evaluates to, after Microsoft's pages "How MSBuild builds projects" (the order),
 * "MSBuild properties", "Property functions", "Item definitions", "MSBuild items" and "MSBuild
 * special characters".
 */
#include "project_kit.h"

#include <errno.h>

#define IS(name, text)	     assert_string_equal(kit_value(name), text)
#define ITEMS(type, m, text) assert_string_equal(kit_items(type, m), text)

/* ---- properties ---- */

static void properties_are_evaluated_in_order_and_without_regard_to_case(void **state)
{
	kit_good("<PropertyGroup><A>1</A><B>$(a)$(Later)</B><Later>x</Later><A>$(A)2</A>"
		 "<a Condition=\"'$(A)'=='1'\">no</a></PropertyGroup>");
	IS("A", "12");
	IS("B", "1");
}

static void what_is_given_from_outside_is_stronger_than_the_file(void **state)
{
	const char *text = "<PropertyGroup><Configuration>Debug</Configuration>"
			   "<Platform>Win32</Platform></PropertyGroup>";
	char *all = format("<Project TreatAsLocalProperty=\"Platform\">%s</Project>", text);

	kit_good(text);
	IS("Configuration", "Release");
	IS("Platform", "x64");
	kit_write("p.vcxproj", all);
	assert_int_equal(kit_open(), 0);
	IS("Configuration", "Release");
	IS("Platform", "Win32");
	free(all);
}

static void the_environment_gives_properties_that_the_file_can_change(void **state)
{
	setenv("dry_project_test", "env", 1);
	kit_good("<PropertyGroup><A>$(DRY_Project_Test)</A>"
		 "<DRY_PROJECT_TEST>file</DRY_PROJECT_TEST><B>$(dry_project_test)</B>"
		 "</PropertyGroup>");
	IS("A", "env");
	IS("B", "file");
	unsetenv("dry_project_test");
}

static void a_file_knows_its_own_name_and_the_projects(void **state)
{
	char want[160];

	kit_write("inc/x.props",
		"<Project><PropertyGroup><T>$(MSBuildThisFileDirectory)</T>"
		"<N>$(MSBuildThisFileName)$(MSBuildThisFileExtension) $(MSBuildThisFile)</N>"
		"<P>$(MSBuildProjectName) $(MSBuildProjectFile) $(MSBuildProjectExtension)</P>"
		"<D>$(MSBuildProjectDirectory)|$(ProjectDir)</D></PropertyGroup></Project>");
	kit_good("<Import Project=\"INC\\X.props\"/>");
	snprintf(want, sizeof(want), "%s/inc/", kit_folder);
	IS("T", want);
	IS("N", "x.props x.props");
	IS("P", "p p.vcxproj .vcxproj");
	snprintf(want, sizeof(want), "%s|%s/", kit_folder, kit_folder);
	IS("D", want);
}

static void the_solution_is_the_one_that_names_the_project(void **state)
{
	char want[160], old[4096];

	assert_non_null(getcwd(old, sizeof(old)));
	kit_write("all.sln", "Project = \"p\", \"deep\\P.vcxproj\"\n");
	kit_write("deep/other.sln", "Project = \"q\", \"q.vcxproj\"\n");
	assert_int_equal(chdir("deep"), 0);
	kit_good("");
	assert_int_equal(chdir(old), 0);
	snprintf(want, sizeof(want), "%s/", kit_folder);
	IS("SolutionDir", want);
	IS("SolutionName", "all");
}

static void functions_of_properties(void **state)
{
	static const char *const rows[][2] = {
		{"$(F.Substring(0,3))", "C:\\"},
		{"$(F.Substring(3))", "dir\\file.txt"},
		{"$(F.Length)", "15"},
		{"$(F.Split('\\')[1])", "dir"},
		{"$(VisualStudioVersion.Split('.')[0])", "17"},
		{"$(F.Contains('dir'))$(F.StartsWith(`C:`))$(F.EndsWith(\"x\"))", "TrueTrueFalse"},
		{"$(F.Replace('\\', '/').ToUpper().ToLower())", "c:/dir/file.txt"},
		{"$(F.IndexOf('i')) $(F.LastIndexOf('i')) $(F.IndexOf('z'))", "4 8 -1"},
		{"[$(S.Trim())][$(S.TrimEnd())][$(S.TrimStart())]", "[a b][ a b][a b ]"},
		{"$(F.TrimEnd('tx.'))", "C:\\dir\\file"},
		{"$([System.IO.Path]::GetFileName($(F)))", "file.txt"},
		{"$([System.IO.Path]::GetFileNameWithoutExtension('$(F)'))", "file"},
		{"$([System.IO.Path]::GetExtension($(F)))", ".txt"},
		{"$([System.IO.Path]::GetDirectoryName($(F)))", "C:\\dir"},
		{"$([System.IO.Path]::Combine('a', 'b\\', 'c'))", "a/b\\c"},
		{"$([System.IO.Path]::Combine('a', '\\b'))", "\\b"},
		{"$([System.String]::IsNullOrEmpty('$(Nothing)'))", "True"},
		{"$([System.IO.File]::ReadAllText('one.txt').Trim())", "text"},
		{"$([System.IO.File]::Exists('ONE.txt'))", "True"},
		{"$([MSBuild]::EnsureTrailingSlash('a'))", "a/"},
		{"$([MSBuild]::EnsureTrailingSlash('a\\'))", "a\\"},
		{"$([MSBuild]::ValueOrDefault('$(Nothing)', 'd'))", "d"},
		{"$([MSBuild]::GetDirectoryNameOfFileAbove($(ProjectDir)a/b, one.txt))",
			kit_folder},
		{"$(S.Trim().Replace('a','$(F.Substring(0,1))'))", "C b"},
		{"$( F )", "C:\\dir\\file.txt"},
	};

	kit_write("one.txt", " text\n");
	kit_write("a/b/c.txt", "");
	for (size_t i = 0; i < array_size(rows); i++) {
		char *text = format("<PropertyGroup><F>C:\\dir\\file.txt</F><S> a b </S>"
				    "<R>%s</R></PropertyGroup>",
			rows[i][0]);

		kit_good(text);
		IS("R", rows[i][1]);
		free(text);
	}
}

static void an_unknown_value_spoils_only_what_needs_it(void **state)
{
	static const char *const texts[] = {"$([System.DateTime]::Now)", "$(F.PadLeft(3))",
		"$(Registry:HKEY_LOCAL_MACHINE\\X@Y)", "$(F.Substring(9))", "$(F Oo)", "$(F",
		"$([X)", "$(F.Split('.'))", "$(F.Substring())", "$(F:x)", "$(F.Split('.')[0)",
		"$(F.Split('.')[1])", "$(F.Trim('a', 'b'))"};

	for (size_t i = 0; i < array_size(texts); i++) {
		char *text = format("<PropertyGroup><F>abc</F>\n<Bad>%s</Bad>\n<Good>1</Good>"
				    "<Worse>$(Bad)</Worse></PropertyGroup>",
			texts[i]);

		kit_good(text);
		IS("Good", "1");
		assert_ptr_equal(strstr(kit_value("Bad"), "p.vcxproj:3: "), kit_value("Bad"));
		assert_ptr_equal(strstr(kit_value("Worse"), "p.vcxproj:4: $(Bad) is unknown"),
			kit_value("Worse"));
		free(text);
	}
}

static void values_do_not_grow_without_end(void **state)
{
	char text[8192];
	size_t length = (size_t)sprintf(text, "<PropertyGroup><A>0123456789</A>");

	for (int i = 0; i < 40; i++)
		length += (size_t)sprintf(text + length, "<A>$(A)$(A)$(A)$(A)</A>");
	sprintf(text + length, "</PropertyGroup>");
	kit_good(text);
	assert_non_null(strstr(kit_value("A"), "a value of more than 1 MiB"));
}

/* ---- imports ---- */

static void imports_are_relative_to_the_file_and_conditions_of_them_too(void **state)
{
	kit_write("a/one.props", "<Project><Import Project=\"two.props\" "
				 "Condition=\"Exists('two.props')\"/></Project>");
	kit_write("a/two.props",
		"<Project><PropertyGroup><Two>$(One)2</Two></PropertyGroup></Project>");
	kit_good("<PropertyGroup><One>1</One></PropertyGroup><ImportGroup>"
		 "<Import Project=\"$(MSBuildProjectDirectory)\\a\\one.props\"/></ImportGroup>"
		 "<PropertyGroup><One>late</One></PropertyGroup>");
	IS("Two", "12");
	kit_good("<Import Project=\"a\\*.props\" Condition=\"'$(No)'=='yes'\"/>"
		 "<Import Project=\"A\\T*.props\"/>");
	IS("Two", "2");
	/* a second import of a file is none */
	kit_write("once.props", "<Project><PropertyGroup><N>$(N)1</N></PropertyGroup></Project>");
	kit_good("<Import Project=\"once.props\"/><Import Project=\"ONCE.props\"/>");
	IS("N", "1");
}

static void microsofts_files_are_not_asked_for_but_leave_defaults(void **state)
{
	kit_write("Directory.Build.props",
		"<Project><PropertyGroup><FromAbove>1</FromAbove></PropertyGroup></Project>");
	kit_good("<PropertyGroup><Before>$(IntDir)</Before><OutDir>own\\</OutDir>"
		 "<ConfigurationType>Driver</ConfigurationType></PropertyGroup>"
		 "<Import Project=\"$(VCTargetsPath)\\Microsoft.Cpp.Default.props\"/>"
		 "<Import Project=\"$(VCTargetsPath)\\Microsoft.Cpp.props\"/>"
		 "<Import Project=\"$(UserRootDir)\\Microsoft.Cpp.x64.user.props\" "
		 "Condition=\"exists('$(UserRootDir)\\Microsoft.Cpp.x64.user.props')\"/>"
		 "<PropertyGroup><After>$(IntDir)</After></PropertyGroup>"
		 "<Import Project=\"$(VCTargetsPath)\\Microsoft.Cpp.targets\"/>");
	IS("Before", "");
	IS("After", "x64\\Release\\");
	IS("TargetPath", "own\\p.sys");
	IS("FromAbove", "1");
}

static void what_is_made_is_named_after_its_type(void **state)
{
	static const char *const rows[][2] = {
		{"StaticLibrary", "p.lib"}, {"DynamicLibrary", "p.dll"}, {"driver", "p.sys"}};

	for (size_t i = 0; i < array_size(rows); i++) {
		char *text = format("<PropertyGroup><ConfigurationType>%s</ConfigurationType>"
				    "</PropertyGroup>",
			rows[i][0]);

		kit_good(text);
		IS("TargetFileName", rows[i][1]);
		free(text);
	}
}

static void imports_that_cannot_be_are_named(void **state)
{
	kit_write("loop.props", "<Project><Import Project=\"p.vcxproj\"/></Project>");
	kit_write("odd.props", "<Projekt/>");
	kit_bad("<Import Project=\"no\\such.props\"/>",
		"p.vcxproj:2: the imported file no\\such.props is not there");
	kit_bad("<Import Project=\"loop.props\"/>",
		"loop.props:1: p.vcxproj imports itself by this");
	kit_bad("<Import Project=\"odd.props\"/>",
		"odd.props:1: not an MSBuild project: its first element is <Projekt>");
	kit_bad("<Import/>", "p.vcxproj:2: an Import without Project");
	kit_bad("<Fancy/>", "p.vcxproj:2: no element of a project: <Fancy>");
}

static void one_branch_of_choose_is_taken(void **state)
{
	kit_good("<Choose><When "
		 "Condition=\"'1'=='2'\"><PropertyGroup><C>a</C></PropertyGroup></When>"
		 "<When Condition=\"'1'=='1'\"><PropertyGroup><C>b</C></PropertyGroup>"
		 "<ItemGroup><I Include=\"x\"/></ItemGroup></When>"
		 "<Otherwise><PropertyGroup><C>c</C></PropertyGroup></Otherwise></Choose>");
	IS("C", "b");
	ITEMS("I", "none", "x");
	kit_good("<Choose><When Condition=\"false\"/><Otherwise><PropertyGroup><C>c</C>"
		 "</PropertyGroup></Otherwise></Choose>");
	IS("C", "c");
}

/* ---- items ---- */

static void items_see_the_last_value_of_a_property(void **state)
{
	kit_good("<ItemGroup><I Include=\"$(A)\"/></ItemGroup>"
		 "<PropertyGroup><A>one;two; ;three</A></PropertyGroup>");
	ITEMS("I", "none", "one,two,three");
}

static void definitions_are_inherited_and_extended(void **state)
{
	kit_good("<ItemDefinitionGroup><I><D>a;%(D)</D><E>%(Filename).x</E></I></"
		 "ItemDefinitionGroup>"
		 "<ItemDefinitionGroup Condition=\"'$(Configuration)'=='Release'\">"
		 "<I><D>%(I.D)b</D><D Condition=\"false\">no</D></I></ItemDefinitionGroup>"
		 "<ItemGroup><I Include=\"s\\one.c\"><D>%(D);c</D></I><I Include=\"two.c\"/>"
		 "<I Include=\"three.c\" D=\"%(Filename)%(Extension)\"/></ItemGroup>");
	ITEMS("I", "D", "s\\one.c=a;b;c,two.c=a;b,three.c=three.c");
	ITEMS("I", "E", "s\\one.c=%(Filename).x,two.c=%(Filename).x,three.c=%(Filename).x");
	ITEMS("I", "RelativeDir", "s\\one.c=s\\,two.c,three.c");
}

static void wildcards_find_files_whatever_their_case(void **state)
{
	kit_write("src/b.c", "");
	kit_write("src/A.C", "");
	kit_write("src/deep/c.c", "");
	kit_write("src/deep/er/d.c", "");
	kit_write("src/x.h", "");
	kit_good("<ItemGroup><I Include=\"SRC\\*.c\"/></ItemGroup>");
	ITEMS("I", "none", "src/A.C,src/b.c");
	kit_good("<ItemGroup><I Include=\"src\\**\\*.c\" Exclude=\"src\\b.C;src\\*\\er\\*\"/>"
		 "</ItemGroup>");
	ITEMS("I", "RecursiveDir", "src/A.C,src/deep/c.c=deep/");
	kit_good("<ItemGroup><I Include=\"**\\?.h\"/></ItemGroup>");
	ITEMS("I", "Filename", "src/x.h=x");
}

static void items_are_removed_updated_and_named_by_others(void **state)
{
	kit_good("<ItemGroup><L Include=\"b.c\"/><I Include=\"a.c;B.c;c.c\"/><I Remove=\"b.C\"/>"
		 "<I Update=\"c.c\"><M>new</M></I><J Include=\"@(I);d.c\" Exclude=\"a.c\"/>"
		 "<K Include=\"yes\" Condition=\"'@(I)'=='a.c;c.c'\"/></ItemGroup>");
	ITEMS("I", "M", "a.c,c.c=new");
	ITEMS("J", "M", "c.c,d.c");
	ITEMS("K", "M", "yes");
	ITEMS("L", "M", "b.c");
}

static void a_special_character_can_be_escaped(void **state)
{
	kit_good("<ItemGroup><I Include=\"a%3Bb;c%2A\"/></ItemGroup>"
		 "<PropertyGroup><P>%24(X)</P></PropertyGroup>");
	ITEMS("I", "none", "a%3Bb,c%2A");
	IS("P", "%24(X)");
}

static void a_real_name_may_have_special_characters(void **state)
{
	char want[160];

	kit_write("a b%20;$(c)/p.vcxproj",
		"<Project><Import Project=\"$(MSBuildProjectDirectory)\\x.props\"/>"
		"<ItemGroup><I Include=\"$(ProjectDir)*.props\"/></ItemGroup></Project>");
	kit_write("a b%20;$(c)/x.props",
		"<Project><PropertyGroup Condition=\"Exists('$(MSBuildThisFileFullPath)')\">"
		"<A>$(SolutionDir)</A></PropertyGroup></Project>");
	assert_int_equal(chdir("a b%20;$(c)"), 0);
	assert_int_equal(kit_open(), 0);
	snprintf(want, sizeof(want), "%s/a b%%2520%%3B%%24%%28c%%29/", kit_folder);
	IS("A", want);
	ITEMS("I", "Filename", "a b%2520%3B%24%28c%29/x.props=x");
	kit_bad("<Fancy/>", "p.vcxproj:2: ");
}

static void an_item_that_is_unknown_spoils_its_type_only(void **state)
{
	kit_good("<ItemGroup><I Include=\"@(J->'%(X)')\"/><J Include=\"j\"/>"
		 "<K Include=\"@(I)\"/><L Include=\"\"/><M/></ItemGroup>");
	ITEMS("J", "none", "j");
	assert_int_equal(kit_project.troubles.count, 3);
	assert_string_equal(kit_project.troubles.items[0].metadata.rows[0].trouble,
		"p.vcxproj:2: @(J->'%(X)'): transforms of items are not supported");
	assert_non_null(
		strstr(kit_project.troubles.items[1].metadata.rows[0].trouble, "@(I) is unknown"));
}

/* ---- files ---- */

static void every_encoding_of_windows_editors_is_read(void **state)
{
	static const char text[] = "<?xml version=\"1.0\" encoding=\"utf-16\"?><Project>"
				   "<PropertyGroup><A>x</A></PropertyGroup></Project>";
	char wide[2 * sizeof(text) + 2] = "\xff\xfe";

	for (size_t i = 0; i < sizeof(text) - 1; i++)
		wide[2 + 2 * i] = text[i];
	kit_write_bytes("p.vcxproj", wide, 2 * sizeof(text));
	assert_int_equal(kit_open(), 0);
	IS("A", "x");
	kit_write("p.vcxproj", "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n"
			       "<Project><PropertyGroup>\r\n<A>\xc3\xa4</A>"
			       "</PropertyGroup></Project>");
	assert_int_equal(kit_open(), 0);
	IS("A", "\xc3\xa4");
}

static void what_is_no_project_is_refused(void **state)
{
	static const char *const rows[][2] = {
		{"", "p.vcxproj:1: not XML: "},
		{"MZ\x90", "p.vcxproj:1: not XML: "},
		{"<Project>\n<A></B></Project>", "p.vcxproj:2: not XML: "},
		{"<html/>", "not an MSBuild project: its first element is <html>"},
		{"<Project xmlns=\"urn:x\"/>", "its first element is <Project> of urn:x"},
		{"<VisualStudioProject/>", "a project of Visual C++ 2008 or older"},
		{"<!DOCTYPE p [<!ENTITY a \"x\">]>\n<Project/>",
			"p.vcxproj:1: a document type (<!DOCTYPE) is refused"},
		{"<!DOCTYPE p [<!ENTITY a ", "document type"},
		{"<!DOCTYPE p SYSTEM \"file:///etc/passwd\"><Project/>", "document type"},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		kit_write("p.vcxproj", rows[i][0]);
		assert_int_not_equal(kit_open(), 0);
		if (!strstr(error_text(), rows[i][1]))
			fail_msg("\"%s\" is not in \"%s\"", rows[i][1], error_text());
	}
	assert_int_equal(unlink("p.vcxproj"), 0);
	assert_int_equal(kit_open(), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kit_test(properties_are_evaluated_in_order_and_without_regard_to_case),
		kit_test(what_is_given_from_outside_is_stronger_than_the_file),
		kit_test(the_environment_gives_properties_that_the_file_can_change),
		kit_test(a_file_knows_its_own_name_and_the_projects),
		kit_test(the_solution_is_the_one_that_names_the_project),
		kit_test(functions_of_properties),
		kit_test(an_unknown_value_spoils_only_what_needs_it),
		kit_test(values_do_not_grow_without_end),
		kit_test(imports_are_relative_to_the_file_and_conditions_of_them_too),
		kit_test(microsofts_files_are_not_asked_for_but_leave_defaults),
		kit_test(what_is_made_is_named_after_its_type),
		kit_test(imports_that_cannot_be_are_named),
		kit_test(one_branch_of_choose_is_taken),
		kit_test(items_see_the_last_value_of_a_property),
		kit_test(definitions_are_inherited_and_extended),
		kit_test(wildcards_find_files_whatever_their_case),
		kit_test(items_are_removed_updated_and_named_by_others),
		kit_test(a_special_character_can_be_escaped),
		kit_test(a_real_name_may_have_special_characters),
		kit_test(an_item_that_is_unknown_spoils_its_type_only),
		kit_test(every_encoding_of_windows_editors_is_read),
		kit_test(what_is_no_project_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
