/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* AddReg of INF files: sections, decorations, strings, flags, and what is wrong with bad ones. */
#define TEXT_PARSE reg_inf_parse
#define TEXT_NAME  "x.inf"
#include "reg_kit.h"
#include "nt/os.h"

#define DEVICE "PCI\\VEN_1B36&DEV_0010&SUBSYS_11001AF4&REV_02\\3&0&08"
#define SOFTWARE                                                                                   \
	"Machine\\SYSTEM\\CurrentControlSet\\Control\\Class\\{4d36e97b-e325-11ce-bfc1-"            \
	"08002be10318}\\0000"
#define HARDWARE "Machine\\SYSTEM\\CurrentControlSet\\Enum\\" DEVICE "\\Device Parameters"

/* A whole INF around the lines of its add-registry-sections. */
#define HEAD                                                                                       \
	"; a comment\n[Version]\nSignature = \"$Windows NT$\"\n"                                   \
	"[Manufacturer]\n%Acme% = Models,NTamd64\n"                                                \
	"[Models.NTamd64]\n%Disk% = Inst, PCI\\VEN_1B36&DEV_0010\n"                                \
	"[Inst.NT]\nAddReg = Software\n"                                                           \
	"[Inst.NT.HW]\nAddReg = Hardware\n"                                                        \
	"[Inst.NT.Services]\nAddService = acme, 2, Service, Log\n"                                 \
	"[Service]\nAddReg = Parameters\n[Log]\nAddReg = Events\n"                                 \
	"[Strings]\nAcme = \"Acme Inc.\"\nDisk = Disks\nDWORD = 0x00010001\n"                      \
	"Quoted = \"\"\"a; b\"\"\"\n"
#define REST "[Software]\n[Hardware]\n[Events]\n[Parameters]\n" /* 22 lines stand before */

NT_TEST(each_relative_root_is_the_key_of_its_section)
{
	CHECK_EQUAL((uint32_t)reg_device_add(DEVICE), 0);
	good(HEAD "[Software]\nHKR,,a,%DWORD%,1\n[Hardware]\nHKR,Sub\\Key,a,%dword%,2\n"
		  "[Parameters]\nHKR,Parameters\\Device,a,%DWORD%,3\n"
		  "[Events]\nHKR,,EventMessageFile,0x20000,\"%%SystemRoot%%\\x.dll\"\n"
		  "[events]\nHKLM,Software\\Acme,a,%DWORD%,4\n");
	CHECK(kit_is_dword(SOFTWARE, "a", 1));
	CHECK(kit_is_dword(HARDWARE "\\Sub\\Key", "a", 2));
	CHECK(kit_is_dword(SERVICE_KEY "acme\\Parameters\\Device", "a", 3));
	CHECK(kit_is_text(SERVICE_KEY "EventLog\\System\\acme", "EventMessageFile", REG_EXPAND_SZ,
		u"%SystemRoot%\\x.dll"));
	CHECK(kit_is_dword("Machine\\SOFTWARE\\Acme", "a", 4));
	CHECK(!strcmp(reg_service_name(), "acme"));
}

#define PARAMETERS SERVICE_KEY "acme\\P"

NT_TEST(every_type_is_written)
{
	static const uint8_t bytes[] = {1, 0, 0xab, 0xff};
	const uint64_t large = 0x0123456789abcdef;

	good(HEAD REST "HKR,P,text,,\"a, \"\"b\"\" ; c\" ; a comment\n"
		       "HKR,P,plain, 0 ,  a word \n"
		       "HKR,P,string,,%Quoted%%Acme%\n"
		       "HKR,P,,,default\n"
		       "HKR,P,nothing\n"
		       "HKR,P,list,0x00010000,one,\"two, three\"\n"
		       "HKR,P,bytes,1,01,0,aB,0xff\n"
		       "HKR,P,more,1,01,\\ ; comment\n  0,\\\n\tab,ff\n"
		       "HKR,P,hex,0x10001,0x10\nHKR,P,dec,65537,10\nHKR,P,minus,0x10001,-1\n"
		       "HKR,P,four,0x10001,01,00,00,00\n"
		       "HKR,P,large,0x000B0001,0x0123456789abcdef\n"
		       "HKR,P,none,0x20001\n"
		       "HKR,P,own,0x00380001,9,A\n");
	CHECK(kit_is_text(PARAMETERS, "text", REG_SZ, u"a, \"b\" ; c"));
	CHECK(kit_is_text(PARAMETERS, "plain", REG_SZ, u"a word"));
	CHECK(kit_is_text(PARAMETERS, "string", REG_SZ, u"\"a; b\"Acme Inc."));
	CHECK(kit_is_text(PARAMETERS, "", REG_SZ, u"default"));
	CHECK(kit_is_text(PARAMETERS, "nothing", REG_SZ, u""));
	CHECK(kit_is_text(PARAMETERS, "list", REG_MULTI_SZ, u"one\0two, three\0"));
	CHECK(kit_is(PARAMETERS, "bytes", REG_BINARY, bytes, 4));
	CHECK(kit_is(PARAMETERS, "more", REG_BINARY, bytes, 4));
	CHECK(kit_is_dword(PARAMETERS, "hex", 16));
	CHECK(kit_is_dword(PARAMETERS, "dec", 10));
	CHECK(kit_is_dword(PARAMETERS, "minus", 0xffffffff));
	CHECK(kit_is_dword(PARAMETERS, "four", 1));
	CHECK(kit_is(PARAMETERS, "large", REG_QWORD, &large, 8));
	CHECK(kit_is(PARAMETERS, "none", REG_NONE, "", 0));
	CHECK(kit_is(PARAMETERS, "own", 0x38, "\x09\x0a", 2));
}

NT_TEST(flags_say_whether_a_value_is_written)
{
	good(HEAD REST "HKR,P,kept,0x10001,1\nHKR,P,kept,0x10003,2\n"
		       "HKR,P,new,0x10003,3\n"
		       "HKR,P,over,0x10021,4\nHKR,P,kept2,0x10001,5\nHKR,P,kept2,0x10021,6\n"
		       "HKR,P,gone,0x10001,7\nHKR,P,gone,4\n"
		       "HKR,P\\Gone\\Deep,a,0x10001,7\nHKR,P\\Gone,,4\nHKR,Never,,4\n"
		       "HKR,Only,a,0x10,b\nHKR,Alone\n"
		       "HKR,P,list,0x10000,one\nHKR,P,list,0x10008,two,ONE\n"
		       "HKR,P,fresh,0x10008,x\n");
	CHECK(kit_is_dword(PARAMETERS, "kept", 1));
	CHECK(kit_is_dword(PARAMETERS, "new", 3));
	CHECK(!kit_value(PARAMETERS, "over"));
	CHECK(kit_is_dword(PARAMETERS, "kept2", 6));
	CHECK(!kit_value(PARAMETERS, "gone"));
	CHECK(!kit_key(PARAMETERS "\\Gone"));
	CHECK(kit_key(SERVICE_KEY "acme\\Only") && !kit_value(SERVICE_KEY "acme\\Only", "a"));
	CHECK(kit_key(SERVICE_KEY "acme\\Alone") && !kit_value(SERVICE_KEY "acme\\Alone", ""));
	CHECK(!kit_key(SERVICE_KEY "acme\\Never"));
	CHECK(kit_is_text(PARAMETERS, "list", REG_MULTI_SZ, u"one\0two\0"));
	CHECK(kit_is_text(PARAMETERS, "fresh", REG_MULTI_SZ, u"x\0"));
}

#define CHOICE(manufacturer, ...) "[Version]\n[Manufacturer]\nx = M" manufacturer "\n" __VA_ARGS__
/* Models of this decoration, whose install section has this name and decoration; what it writes
 * says which it was. */
#define LEADS(models, name, install)                                                               \
	"[M" models "]\nd = " name ",PCI\\VEN_9\n[" name install "]\n[" name install               \
	".Services]\nAddService=s,2,S" name install "\n[S" name install "]\nAddReg=R" name install \
	"\n[R" name install "]\nHKLM,SOFTWARE\\Acme,x,,\"" name install "\"\n"
#define chosen(which) kit_is_text("Machine\\SOFTWARE\\Acme", "x", REG_SZ, which)

NT_TEST(the_decoration_that_fits_best_is_taken)
{
	nt_os_set(NT_OS_10_1809); /* 10.0, build 17763 */
	good(CHOICE(",NTx86,NT,NTamd64.6.1,NTamd64.10.0...17763,NTamd64.10.0...22000,NTamd64.11",
		LEADS(".NTx86", "A", "") LEADS(".NT", "B", "") LEADS(".NTamd64.6.1", "C", "") LEADS(
			".NTamd64.10.0...17763", "D", "") LEADS(".NTamd64.10.0...22000", "E", "")
			LEADS(".NTamd64.11", "F", "")));
	CHECK(chosen(u"D"));
	good(CHOICE(",NT,NTamd64", LEADS(".NT", "A", "") LEADS(".NTamd64", "B", "")));
	CHECK(chosen(u"B"));
	good(CHOICE("", LEADS("", "A", "") LEADS("", "A", ".NT") LEADS("", "A", ".NTamd64")));
	CHECK(chosen(u"A.NTamd64"));
	good(CHOICE(",NT$ARCH$", LEADS(".nt$arch$", "A", ".NT")));
	CHECK(chosen(u"A.NT"));
	bad(CHOICE(",NTarm64,NTamd64.10.1", LEADS(".NTamd64.10.1", "A", "")),
		"x.inf:", "installs no driver's service");
	nt_os_set(NT_OS_NEWEST);
}

NT_TEST(the_model_that_the_device_is_is_taken)
{
	static const char inf[] =
		"[Version]\n[Manufacturer]\nx = M\n[M]\n"
		"a = A,PCI\\VEN_1B36&DEV_001\nb = B,PCI\\VEN_9999,pci\\ven_1b36&dev_0010\n"
		"[A]\n[A.Services]\nAddService=wrong,2,\n[B]\n[B.Services]\n"
		"AddService=filter,,\nAddService=right,0x2,\n";

	CHECK_EQUAL((uint32_t)reg_device_add(DEVICE), 0);
	good(inf);
	CHECK(!strcmp(reg_service_name(), "right"));
}

NT_TEST(a_bad_line_is_named)
{
	bad("", "x.inf:", "no [Version]");
	bad("a = b\n", "x.inf:1:", "before the first section");
	bad("[Version\n", "x.inf:1:", "does not end the line");
	bad("[Version]\n", "x.inf:", "installs no driver's service");
	bad(HEAD REST "HKEY,,a\n", "x.inf:27:", "'HKEY' where one of HKR");
	bad(HEAD REST "HKR,,a,x\n", "x.inf:27:", "flags 'x' are no number");
	bad(HEAD REST "HKR,,a,0x30000,x\n", "x.inf:27:", "no such type");
	bad(HEAD REST "HKR,,a,8,x\n", "x.inf:27:", "REG_MULTI_SZ");
	bad(HEAD REST "HKR,,a,0x10001,\\\n\n x\n", "x.inf:27:", "'' is no number of 4 bytes");
	bad(HEAD REST "HKR,,a,0x10001,0x100000000\n", "x.inf:27:", "no number of 4 bytes");
	bad(HEAD REST "HKR,,a,1,100\n", "x.inf:27:", "no number of 1 byte");
	bad(HEAD REST "HKR,,a,,%Missing%\n", "x.inf:27:", "no Missing");
	bad(HEAD REST "HKR,,a,,100%\n", "x.inf:27:", "no other one follows");
	bad(HEAD REST "HKR,,a,,\"open\n", "x.inf:27:", "not closed");
	bad(HEAD REST "HKR,a\\\\b,a\n", "x.inf:27:", "cannot be a key");
	bad(HEAD "[Software]\n[Events]\n", "x.inf:11:", "[Hardware], which is not there");
}

NT_TEST(a_section_that_deletes_its_own_key_is_refused)
{
	CHECK_EQUAL((uint32_t)reg_device_add(DEVICE), 0);
	bad(HEAD "[Software]\nHKLM,SYSTEM\\CurrentControlSet\\Control\\Class,,4\n"
		 "HKR,Sub,a,%DWORD%,1\n[Hardware]\n[Parameters]\n[Events]\n",
		"x.inf:", "was deleted by a line before");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_relative_root_is_the_key_of_its_section),
		cmocka_unit_test(every_type_is_written),
		cmocka_unit_test(flags_say_whether_a_value_is_written),
		cmocka_unit_test(the_decoration_that_fits_best_is_taken),
		cmocka_unit_test(the_model_that_the_device_is_is_taken),
		cmocka_unit_test(a_bad_line_is_named),
		cmocka_unit_test(a_section_that_deletes_its_own_key_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
