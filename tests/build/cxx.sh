# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
#
# Drivers in C++: they build and run, reports and symbols bear names for people, and what Windows' kernel does
# not do for them is an error that names it.
. "$(dirname "$0")/lib.sh"

for level in 0 2 s; do
  status 0 "$BUILD" "$drivers/cxx.cpp" -O $level -o cxx.so
  lines err 0
  status 0 "$HOST" cxx.so
  says out "cxx: 0"
done
for option in --sanitize=address,undefined --sanitize=thread --coverage; do
  status 0 "$BUILD" "$drivers/cxx.cpp" $option -o other.so
  lines err 0
done
# the place in a report, from the debug information, and the symbols for when there is none
status 1 "$HOST" cxx.so 1
says err "dryport: a pure virtual function was called, at disk::Early::Report (cxx.cpp:"
nm cxx.so >out
says out " disk::Early::Report"
says out " disk::Device::Live"

# C and C++ in one folder, each by its suffix, in any letter case; a class that two sources share
mkdir both
cat >both/Shared.h <<'EOF'
#ifdef __cplusplus
class Shared
{
public:
  static int Count() { static int count; return ++count; }
};
extern "C" {
#endif
int FromC(int);
int FromCxx(int);
#ifdef __cplusplus
}
#endif
EOF
printf '#include "shared.h"\nint FromC(int new) { return FromCxx(new) + 1; }\n' >both/PLAIN.C
printf '#include "shared.h"\nint FromCxx(int n) { return n + Shared::Count(); }\n' >both/other.cc
printf '#include "shared.h"\nextern "C" int DriverEntry(void *, void *) { return FromC(10) + Shared::Count() - 14; }\n' >both/main.cxx
status 0 "$BUILD" both -o both.so
lines err 0
status 0 "$HOST" both.so

# refused TEXT: what is in bad.cpp does not build
refused() {
  cat >bad.cpp
  echo 'extern "C" int DriverEntry() { return used(); }' >>bad.cpp
  status 1 "$BUILD" bad.cpp -o bad.so
  says err "$1"
}

refused "the global variable limits::most is initialised by code; in Windows' kernel nothing runs before DriverEntry" <<'EOF'
int fetch();
namespace limits { int most = fetch(); }
int fetch() { return limits::most; }
int used() { return limits::most; }
EOF
refused "the global variable adapters is initialised by code" <<'EOF'
struct Adapters { Adapters(); int count; } adapters;
Adapters::Adapters() : count(1) {}
int used() { return adapters.count; }
EOF
refused "the global variable Pool::All is initialised by code" <<'EOF'
struct Pool { Pool(); static Pool All; };
Pool::Pool() {}
Pool Pool::All;
int used() { return sizeof(Pool::All); }
EOF
refused "the driver calls disk::find, which no source defines (what is Windows' own is extern \"C\")" <<'EOF'
namespace disk { int find(int); }
int used() { return disk::find(1); }
EOF
refused "the driver calls operator new, which no source defines" <<'EOF'
int used() { return *new int(1); }
EOF
refused "cannot use 'throw' with exceptions disabled" <<'EOF'
int used() { throw 1; }
EOF
refused "requires -frtti" <<'EOF'
struct A { virtual ~A(); }; struct B : A { };
int used() { A *a = 0; return dynamic_cast<B *>(a) != 0; }
EOF
# in C too
cat >first.c <<'EOF'
static int ran;
__attribute__((constructor)) static void first(void) { ran = 1; }
int DriverEntry(void) { return ran; }
EOF
status 1 "$BUILD" first.c -o bad.so
says err "first is a constructor; in Windows' kernel nothing runs before DriverEntry"
# constants need no code
cat >fine.cpp <<'EOF'
struct Limits { constexpr Limits(int n) : most(n) {} int most; };
static Limits limits(5);
extern "C" int DriverEntry() { return limits.most - 5; }
EOF
status 0 "$BUILD" fine.cpp -o fine.so
status 0 "$HOST" fine.so
