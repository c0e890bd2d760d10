# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
#
# Projects of MSBuild: which sources are compiled, with which macros and folders, for which configuration;
# static libraries; tracing; and what is said where a project cannot be built.
. "$(dirname "$0")/lib.sh"

head='<?xml version="1.0" encoding="utf-8"?>
<Project DefaultTargets="Build" ToolsVersion="12.0" xmlns="http://schemas.microsoft.com/developer/msbuild/2003">
  <ItemGroup Label="ProjectConfigurations">
    <ProjectConfiguration Include="Debug|x64"><Configuration>Debug</Configuration><Platform>x64</Platform></ProjectConfiguration>
    <ProjectConfiguration Include="Release|x64"><Configuration>Release</Configuration><Platform>x64</Platform></ProjectConfiguration>
    <ProjectConfiguration Include="Old|Win32"><Configuration>Old</Configuration><Platform>Win32</Platform></ProjectConfiguration>
  </ItemGroup>
  <PropertyGroup Label="Globals"><Configuration>Debug</Configuration></PropertyGroup>
  <Import Project="$(VCTargetsPath)\Microsoft.Cpp.Default.props" />'
tail='  <Import Project="$(VCTargetsPath)\Microsoft.Cpp.targets" />
</Project>'
# project FILE KIND TEXT
project() {
  mkdir -p "$(dirname "$1")"
  printf '%s\n  <PropertyGroup Label="Configuration"><ConfigurationType>%s</ConfigurationType></PropertyGroup>\n  <Import Project="$(VCTargetsPath)\\Microsoft.Cpp.props" />\n%s\n%s\n' \
    "$head" "$2" "$3" "$tail" >"$1"
}
# returns N OBJECT: its DriverEntry does
returns() {
  local want=$1 got=0
  "$HOST" "$2" >out 2>err || got=$?
  if [ "$want" = 0 ]; then [ $got = 0 ]; else grep -q ": $want\$" out; fi || fail "$2 returns not $want: $(cat out err)"
}
entry='int DriverEntry(void)'

# properties, an imported file, definitions for all and for one source, names in another letter case
mkdir -p one/src one/Inc
cat >Common.props <<'EOP'
<Project xmlns="http://schemas.microsoft.com/developer/msbuild/2003">
  <PropertyGroup><Base>$(MSBuildThisFileDirectory)one\</Base></PropertyGroup>
  <ItemDefinitionGroup><ClCompile>
    <PreprocessorDefinitions>COMMON=1;%(PreprocessorDefinitions)</PreprocessorDefinitions>
    <ForcedIncludeFiles>$(Base)inc\forced.h</ForcedIncludeFiles>
  </ClCompile></ItemDefinitionGroup>
</Project>
EOP
project one/one.vcxproj Driver '
  <Import Project="..\common.PROPS" />
  <ItemDefinitionGroup><ClCompile>
    <AdditionalIncludeDirectories>$(IntDir);$(ProjectDir)inc;%(AdditionalIncludeDirectories)</AdditionalIncludeDirectories>
    <PreprocessorDefinitions>OWN="%(Filename)";SPACED=1 + 1;%(PreprocessorDefinitions);GONE</PreprocessorDefinitions>
    <UndefinePreprocessorDefinitions>GONE</UndefinePreprocessorDefinitions>
  </ClCompile></ItemDefinitionGroup>
  <ItemDefinitionGroup Condition="'"'\$(Configuration)|\$(Platform)'=='Debug|x64'"'"><ClCompile>
    <PreprocessorDefinitions>WHICH=2;%(PreprocessorDefinitions)</PreprocessorDefinitions>
  </ClCompile></ItemDefinitionGroup>
  <ItemDefinitionGroup Condition="$(Configuration.StartsWith('"'Rel'"'))"><ClCompile>
    <PreprocessorDefinitions>WHICH=1;%(PreprocessorDefinitions)</PreprocessorDefinitions>
  </ClCompile></ItemDefinitionGroup>
  <ItemGroup>
    <ClCompile Include="SRC\*.c" Exclude="src\not.c" />
    <ClCompile Include="src\Text.inl"><CompileAs>CompileAsC</CompileAs>
      <AdditionalOptions>/DTEXT=40 /kernel %(AdditionalOptions)</AdditionalOptions></ClCompile>
    <ClCompile Include="src\broken.cpp"><ExcludedFromBuild>true</ExcludedFromBuild></ClCompile>
    <ClInclude Include="inc\Header.h" />
    <ResourceCompile Include="one.rc" />
  </ItemGroup>'
echo '#define FORCED 1' >one/Inc/Forced.H
echo '#define HEADER 1' >one/Inc/header.h
cat >one/src/main.c <<EOP
#include "HEADER.h"
#if defined(GONE) || !defined(FORCED) || defined(TEXT) || SPACED * 2 != 3 || DBG
#error "not what the project says"
#endif
int Text(void);
$entry { return COMMON + HEADER + WHICH * 100 + Text() + (sizeof(OWN) == sizeof("main") ? 0 : 1000); }
EOP
echo 'int Text(void) { return TEXT + (sizeof(OWN) == 5 ? 0 : 1000); }' >one/src/text.inl
echo 'not C' | tee one/src/not.c >one/src/broken.cpp
status 0 "$BUILD" one/one.vcxproj
lines err 1
says err "one/one.vcxproj:$(grep -n one.rc one/one.vcxproj | cut -d: -f1): ResourceCompile one.rc is left out: an object has no resources"
returns 142 one.so
sed -i 's/|| DBG//' one/src/main.c
status 0 "$BUILD" one/one.vcxproj --config debug -o one.so
returns 242 one.so
# what the command line says is stronger
status 0 "$BUILD" -D WHICH=5 one/one.vcxproj -o one.so
returns 542 one.so
status 0 "$BUILD" one/one.vcxproj -p configuration=Debug --platform X64 -o one.so
returns 242 one.so
# messages show files as they were named; what was passed over is said where it is asked for
status 0 "$BUILD" -v one/one.vcxproj -o one.so
says err "C:\\MSBuild\\VC\\Microsoft.Cpp.props is Microsoft's and not read"
says err "no folder x64\\Release\\ to include from"
says err "one/one.vcxproj:$(grep -n Text.inl one/one.vcxproj | cut -d: -f1): the compiler's option /kernel is not followed"
status 0 "$BUILD" one/one.vcxproj -o one.so --depends list
for f in one/one.vcxproj Common.props one/src/main.c one/Inc; do
  grep -qx "$work/$f" list || fail "$f is not in the list: $(cat list)"
done

# which Windows, and a debug build, as Microsoft's property sheets define them
project seven/seven.vcxproj Driver '
  <PropertyGroup><TargetVersion>Windows7</TargetVersion><UseDebugLibraries>True</UseDebugLibraries></PropertyGroup>
  <ItemGroup><ClCompile Include="seven.c" /></ItemGroup>'
printf '#include <ntddk.h>\n%s { return NTDDI_VERSION == NTDDI_WIN7 && _WIN32_WINNT == 0x0601 && DBG ? 0 : 1; }\n' "$entry" >seven/seven.c
status 0 "$BUILD" seven/seven.vcxproj
returns 0 seven.so

# UTF-16 and C++, with the standard that the project names
project cxx/cxx.vcxproj Driver '
  <ItemDefinitionGroup><ClCompile><LanguageStandard>stdcpp20</LanguageStandard></ClCompile></ItemDefinitionGroup>
  <ItemGroup><ClCompile Include="main.c"><CompileAs>CompileAsCpp</CompileAs></ClCompile></ItemGroup>'
printf 'extern "C" %s { return __cplusplus > 201703L ? 0 : 1; }\n' "$entry" >cxx/main.c
{ printf '\xff\xfe'; sed 's/encoding="utf-8"/encoding="utf-16"/' cxx/cxx.vcxproj | iconv -t UTF-16LE; } >cxx/wide.vcxproj
status 0 "$BUILD" cxx/wide.vcxproj
returns 0 wide.so

# static libraries: by reference, with options of their own and one of theirs; and as a library that another
# project makes. What is no library is not compiled.
project two/two.vcxproj Driver '
  <PropertyGroup><OutDir>out\$(Configuration)\</OutDir></PropertyGroup>
  <ItemDefinitionGroup><ClCompile><PreprocessorDefinitions>VALUE=1</PreprocessorDefinitions></ClCompile>
    <Link><AdditionalLibraryDirectories>..\libs\three\$(OutDir);%(AdditionalLibraryDirectories)</AdditionalLibraryDirectories>
      <AdditionalDependencies>storport.lib;THREE.lib;%(AdditionalDependencies)</AdditionalDependencies></Link>
  </ItemDefinitionGroup>
  <ItemGroup><ClCompile Include="two.c" />
    <ProjectReference Include="..\Libs\Lib.vcxproj"><Project>{1}</Project><AdditionalProperties>Extra=30</AdditionalProperties></ProjectReference>
    <ProjectReference Include="..\libs\tool.vcxproj" /></ItemGroup>'
project libs/lib.vcxproj StaticLibrary '
  <ItemDefinitionGroup><ClCompile><PreprocessorDefinitions>VALUE=$(Extra)</PreprocessorDefinitions></ClCompile></ItemDefinitionGroup>
  <ItemGroup><ClCompile Include="lib.c" /><ProjectReference Include="deeper.vcxproj" /></ItemGroup>'
project libs/deeper.vcxproj StaticLibrary '<ItemGroup><ClCompile Include="deeper.c" /></ItemGroup>'
project libs/tool.vcxproj Application '<ItemGroup><ClCompile Include="tool.c" /></ItemGroup>'
project libs/three/any.vcxproj StaticLibrary '
  <PropertyGroup><TargetName>three</TargetName><OutDir>out\$(Configuration)\</OutDir></PropertyGroup>
  <ItemGroup><ClCompile Include="three.c" /></ItemGroup>'
mkdir -p two
echo "int Lib(void); int Three(void); $entry { return VALUE + Lib() + Three(); }" >two/two.c
echo 'int Deeper(void); int Lib(void) { return VALUE + Deeper(); }' >libs/lib.c
echo 'int Deeper(void) { return 400; }' >libs/deeper.c
echo 'int Three(void) { return 3000; }' >libs/three/three.c
status 0 "$BUILD" two/two.vcxproj
lines err 0
returns 3431 two.so

# several projects, a folder among them, have the same configuration
mkdir beside
echo 'int Beside(void) { return 5; }' >beside/beside.c
project twin/a.vcxproj Driver '
  <ItemDefinitionGroup><ClCompile><PreprocessorDefinitions>C_$(Configuration)</PreprocessorDefinitions></ClCompile></ItemDefinitionGroup>
  <ItemGroup><ClCompile Include="a.c" /></ItemGroup>'
sed 's/a\.c"/b.c"/' twin/a.vcxproj >twin/b.vcxproj
echo 'int B(void) { return C_Debug; }' >twin/b.c
echo "int B(void); int Beside(void); $entry { return C_Debug + B() + Beside(); }" >twin/a.c
status 0 "$BUILD" twin/a.vcxproj beside twin/b.vcxproj --config Debug
returns 7 a.so

# tracing: functions that only the project names, and trace headers that a macro names
project traced/traced.vcxproj Driver '
  <ItemDefinitionGroup><ClCompile><WppEnabled>true</WppEnabled>
    <WppTraceFunction>Trace{FLAGS=ALL}(LEVEL,MSG,...);Enter(LEVEL)</WppTraceFunction>
    <PreprocessorDefinitions>HEADER="%(Filename).tmh"</PreprocessorDefinitions>
    <WppScanConfigurationData>..\elsewhere\Config.h</WppScanConfigurationData></ClCompile></ItemDefinitionGroup>
  <ItemGroup><ClCompile Include="traced.c" /></ItemGroup>'
mkdir elsewhere
printf '// begin_wpp config\n// FUNC Leave(LEVEL);\n// end_wpp\n' >elsewhere/config.h
printf '#include <ntddk.h>\n#include HEADER\n%s { Trace(1, nobody_declared_this); Enter(2); Leave(3); return 0; }\n' "$entry" >traced/traced.c
status 0 "$BUILD" traced/traced.vcxproj
lines err 0
returns 0 traced.so

# what is left out and matters
project left/left.vcxproj Driver '
  <ItemDefinitionGroup><PreBuildEvent><Command>make.bat</Command></PreBuildEvent></ItemDefinitionGroup>
  <ItemGroup><ClCompile Include="left.c" /><MASM Include="a.asm" /><MASM Include="b.asm" />
    <MessageCompile Include="m.mc"><ExcludedFromBuild Condition="true">true</ExcludedFromBuild></MessageCompile>
    <CustomBuild Include="c.y" /></ItemGroup>'
mkdir -p left && echo "$entry { return 0; }" >left/left.c
status 0 "$BUILD" left/left.vcxproj
says err "left.vcxproj:14: MASM a.asm (and others) is left out: "
says err "left.vcxproj:16: CustomBuild c.y is left out: "
says err "left.vcxproj:13: PreBuildEvent is not run: "
lines err 3

# refused STATUS TEXT ARGUMENT...
refused() {
  local want=$1 text=$2
  shift 2
  status "$want" "$BUILD" "$@" -o bad.so
  says err "$text"
  lines err 1
}
# bad TEXT PROJECT'S TEXT: one.vcxproj's folder has sources
bad() {
  project one/bad.vcxproj Driver "$2"
  refused 1 "dryport-build: $1" one/bad.vcxproj
}
main='<ItemGroup><ClCompile Include="src\main.c" /></ItemGroup>'
refused 2 'one/one.vcxproj:4: no configuration "Retail" for x64; there is "Debug", "Release": choose with --config' one/one.vcxproj --config Retail
refused 2 "there is none: choose with --config" one/one.vcxproj --platform Itanium
refused 2 "--platform Win32: drivers are compiled for x64 alone" one/one.vcxproj --platform Win32
refused 2 "-p Configuration: not NAME=VALUE" one/one.vcxproj -p Configuration
refused 2 "Configuration=Debug: no project (.vcxproj) is named" one/src/main.c --config Debug
refused 2 "no/such.vcxproj: no such source or folder" no/such.vcxproj
refused 1 "libs/tool.vcxproj:2: not a driver: its ConfigurationType is Application" libs/tool.vcxproj
bad "one/bad.vcxproj:12: no such source: src\\none.c" '<ItemGroup><ClCompile Include="src\none.c" /></ItemGroup>'
bad "one/bad.vcxproj:2: no sources (ClCompile) for Release|x64" ''
bad "one/bad.vcxproj:2: no sources: all are excluded for Release|x64" \
  '<ItemGroup><ClCompile Include="src\main.c" ExcludedFromBuild="true" /></ItemGroup>'
bad "one/bad.vcxproj:12: src\\main.c: StructMemberAlignment 1Byte is not supported" \
  '<ItemGroup><ClCompile Include="src\main.c" StructMemberAlignment="1Byte" /></ItemGroup>'
bad "one/bad.vcxproj:12: no such project: none.vcxproj" "<ItemGroup><ProjectReference Include=\"none.vcxproj\" /></ItemGroup>$main"
bad "one/bad.vcxproj:12: one/bad.vcxproj refers to itself by this" \
  "<PropertyGroup><ConfigurationType>StaticLibrary</ConfigurationType></PropertyGroup><ItemGroup><ProjectReference Include=\"bad.vcxproj\" /></ItemGroup>$main"
bad "one/bad.vcxproj:12: one/bad.vcxproj imports itself by this" '<Import Project="bad.vcxproj" />'
bad "one/bad.vcxproj:12: the imported file none.props is not there" '<Import Project="none.props" />'
bad "one/bad.vcxproj:12: the property function System.DateTime::Now is not supported" \
  "<ItemDefinitionGroup><ClCompile><PreprocessorDefinitions>T=\$([System.DateTime]::Now)</PreprocessorDefinitions></ClCompile></ItemDefinitionGroup>$main"
bad "one/bad.vcxproj:12: @(X->'%(Y)'): transforms of items are not supported" \
  "<ItemGroup><ClCompile Include=\"@(X->'%(Y)')\" /></ItemGroup>$main"
printf '<!DOCTYPE a [<!ENTITY b "c">]><Project>&b;</Project>' >one/bad.vcxproj
refused 1 "one/bad.vcxproj:1: a document type (<!DOCTYPE) is refused" one/bad.vcxproj
echo '<Project' >one/bad.vcxproj
refused 1 "one/bad.vcxproj:2: not XML: " one/bad.vcxproj
# neither the stack nor patience
python3 - 'one/bad.vcxproj' <<'P'
import sys
open(sys.argv[1], 'w').write('<Project xmlns="http://schemas.microsoft.com/developer/msbuild/2003"><ItemGroup><ProjectConfiguration '
  'Include="Release|x64"><Configuration>Release</Configuration><Platform>x64</Platform></ProjectConfiguration></ItemGroup><ItemGroup>'
  '<ClCompile Include="' + '**/' * 300000 + '*.c" /></ItemGroup></Project>')
P
refused 1 'no sources (ClCompile)' one/bad.vcxproj
python3 - 'one/bad.vcxproj' <<'P'
import sys
open(sys.argv[1], 'w').write('<Project xmlns="http://schemas.microsoft.com/developer/msbuild/2003"><PropertyGroup Condition="\'' +
  '$(' * 200000 + '\' == \'\'" /></Project>')
P
refused 1 'has no end' one/bad.vcxproj
