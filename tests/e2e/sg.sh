#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# dryport run --sg: real SCSI tools on /dev/dryportN, the ioctls one by one, and what goes wrong.
. "$(dirname "$0")/lib.sh"
need sg_readcap sg_dd python3 nbdcopy

nvme=$SOURCE_ROOT/examples/nvme
sg() { # STATUS OPTIONS... -- COMMAND...
  local want=$1
  shift
  status "$want" "$DRYPORT" run "$nvme" --quiet --sg "$@"
}
prints() {
  grep -qhE -- "$1" "$work/out" "$work/err" || fail "not printed: $1: $(cat "$work/out" "$work/err")"
}

# ---- sg3_utils

sg 0 --size 64M -- sg_readcap -l /dev/dryport0
prints 'Device size: 67108864 bytes'
prints 'Logical block length=512 bytes'
sg 0 --size 64M --block-size 4096 -- sg_readcap -l /dev/dryport0
prints 'Logical block length=4096 bytes'
sg 0 -- sg_inq /dev/dryport0
prints 'Vendor identification: NVMe'
sg 0 -- sg_turs /dev/dryport0
sg 0 -- sg_vpd -p bl /dev/dryport0
prints 'Maximum transfer length: 2048 blocks'
sg 0 --hw nvme:namespaces=3 --size 48M -- sg_luns /dev/dryport0
prints '3 lun entries'
sg 0 --hw nvme:namespaces=3 --size 48M -- sg_readcap /dev/dryport2
prints 'Device size: 16777216 bytes'
sg 0 -- sg_modes -p 8 /dev/dryport0
prints 'Caching'
sg 0 -- sg_requests /dev/dryport0
sg 0 -- sg_sync /dev/dryport0
sg 0 -- sg_raw -r 96 /dev/dryport0 12 00 00 00 60 00
prints 'Received 74 bytes of data'
sg 9 -- sg_persist -k /dev/dryport0 # 9: the unit does not know the command
says 'Invalid opcode'
sg 0 -- ls -L -l /dev/dryport0
prints '^crw.* 21, 0 '

# what goes in by SCSI comes out by NBD, and the other way; blocks that were unmapped or zeroed are zero
random "$work/in" 2M
# shellcheck disable=SC2016 # COMMAND's own
sg 0 --size 4M -- bash -ec '
  sg_dd if="$1/in" of=/dev/dryport0 bs=512 bpt=100
  nbdcopy "$uri" "$1/by.nbd"
  sg_dd if=/dev/dryport0 of="$1/by.sg" bs=512 bpt=2048 count=4096
  sg_write_same --16 --lba=8 --num=8 --xferlen=512 --in=/dev/zero /dev/dryport0
  sg_unmap --lba=100 --num=10 --force /dev/dryport0
  sg_dd if=/dev/dryport0 of="$1/zeros" bs=512 skip=8 count=8
  sg_read if=/dev/dryport0 bs=512 count=256 bpt=16
' bash "$work"
cmp -n 2097152 "$work/in" "$work/by.nbd" || fail "the data differ, by NBD"
cmp "$work/in" "$work/by.sg" || fail "the data differ, by SCSI"
cmp "$work/zeros" <(head -c 4096 /dev/zero) || fail "WRITE SAME did not write zeros"

# ---- the ioctls, as a program of its own sees them

cat >"$work/ioctls.py" <<'PY'
import ctypes, errno, fcntl, os, stat, struct, sys, threading

class Hdr(ctypes.Structure):
    _fields_ = [("interface_id", ctypes.c_int), ("dxfer_direction", ctypes.c_int), ("cmd_len", ctypes.c_ubyte),
                ("mx_sb_len", ctypes.c_ubyte), ("iovec_count", ctypes.c_ushort), ("dxfer_len", ctypes.c_uint),
                ("dxferp", ctypes.c_void_p), ("cmdp", ctypes.c_void_p), ("sbp", ctypes.c_void_p), ("timeout", ctypes.c_uint),
                ("flags", ctypes.c_uint), ("pack_id", ctypes.c_int), ("usr_ptr", ctypes.c_void_p), ("status", ctypes.c_ubyte),
                ("masked_status", ctypes.c_ubyte), ("msg_status", ctypes.c_ubyte), ("sb_len_wr", ctypes.c_ubyte),
                ("host_status", ctypes.c_ushort), ("driver_status", ctypes.c_ushort), ("resid", ctypes.c_int),
                ("duration", ctypes.c_uint), ("info", ctypes.c_uint)]
NONE, OUT, IN, BOTH = -1, -2, -3, -4
libc = ctypes.CDLL(None, use_errno=True)

def call(fd, request, argument):
    if libc.ioctl(fd, ctypes.c_ulong(request), argument) < 0:
        raise OSError(ctypes.get_errno(), "ioctl")

def sg(fd, cdb, direction=NONE, data=None, **more):
    cdb = ctypes.create_string_buffer(bytes(cdb), len(cdb))
    sense = ctypes.create_string_buffer(32)
    hdr = Hdr(interface_id=ord("S"), dxfer_direction=direction, cmd_len=len(cdb), mx_sb_len=32,
              dxfer_len=len(data) if data else 0, dxferp=ctypes.addressof(data) if data else None,
              cmdp=ctypes.addressof(cdb), sbp=ctypes.addressof(sense), timeout=5000)
    for name, value in more.items():
        setattr(hdr, name, value)
    call(fd, 0x2285, ctypes.byref(hdr))
    return hdr, sense.raw

def fails(number, what, *arguments, **more):
    try:
        what(*arguments, **more)
    except OSError as error:
        assert error.errno == number, (errno.errorcode[error.errno], errno.errorcode[number], arguments, more)
    else:
        raise AssertionError("no " + errno.errorcode[number])

def number(fd, request, format="i"):
    data = ctypes.create_string_buffer(64)
    call(fd, request, data)
    return struct.unpack_from(format, data.raw)[0]

def block(at, bytes=512):
    return struct.pack(">BxIxHx", 0x28, at, bytes // 512)

fd = os.open("/dev/dryport0", os.O_RDWR)
assert fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
for st in os.stat("/dev/dryport0"), os.lstat("/dev/dryport0"), os.fstat(fd):
    assert stat.S_ISCHR(st.st_mode) and os.major(st.st_rdev) == 21 and os.minor(st.st_rdev) == 0, st
assert os.access("/dev/dryport0", os.R_OK | os.W_OK) and not os.access("/dev/dryport0", os.X_OK)
assert not os.path.exists("/dev/dryport1") and not os.path.exists("/dev/dryport00")

# numbers
assert number(fd, 0x2282) >= 30000          # SG_GET_VERSION_NUM
assert number(fd, 0x1268) == 512            # BLKSSZGET
assert number(fd, 0x127b) == 512            # BLKPBSZGET
assert number(fd, 0x1260, "L") == 131072    # BLKGETSIZE
assert number(fd, 0x80081272, "Q") == 64 << 20 # BLKGETSIZE64
assert number(fd, 0x125e) == 0              # BLKROGET
assert number(fd, 0x1267) == 1 << 20        # BLKSECTGET: bytes
assert number(fd, 0x2203) == 0              # SG_EMULATED_HOST
assert number(fd, 0x5382, "I") == 0         # SCSI_IOCTL_GET_IDLUN
assert number(fd, 0x2276) == 0              # SG_GET_SCSI_ID
assert libc.ioctl(fd, 0x2202, None) == 6000 # SG_GET_TIMEOUT
call(fd, 0x2201, struct.pack("i", 700))
assert libc.ioctl(fd, 0x2202, None) == 700
assert number(fd, 0x2272) == 32768          # SG_GET_RESERVED_SIZE
call(fd, 0x2275, struct.pack("i", 65536))
assert number(fd, 0x2272) == 65536
call(fd, 0x2275, struct.pack("i", 1 << 30))
assert number(fd, 0x2272) == 1 << 20        # the adapter's limit
fails(errno.EINVAL, call, fd, 0x2275, struct.pack("i", -1))

# commands: in, out, short, none
data = ctypes.create_string_buffer(bytes([0xee]) * 96, 96)
hdr, sense = sg(fd, [0x12, 0, 0, 0, 96, 0], IN, data)
assert (hdr.status, hdr.host_status, hdr.driver_status, hdr.info, hdr.resid, hdr.sb_len_wr) == (0, 0, 0, 0, 22, 0), hdr.resid
assert data.raw[8:12] == b"NVMe" and data.raw[74:] == b"\xee" * 22
out = ctypes.create_string_buffer(os.urandom(1024), 1024)
hdr, sense = sg(fd, b"\x2a" + block(5, 1024)[1:], OUT, out)
assert hdr.status == 0 and hdr.resid == 0
back = ctypes.create_string_buffer(1024)
sg(fd, block(5, 1024), IN, back)
assert back.raw == out.raw
hdr, sense = sg(fd, [0] * 6)
assert hdr.status == 0 and hdr.info == 0
# what the caller had put there stays where the unit writes nothing
data = ctypes.create_string_buffer(b"\xaa" * 96, 96)
hdr, sense = sg(fd, [0x12, 0, 0, 0, 5, 0], BOTH, data)
assert hdr.resid == 91 and data.raw[4] == 69 and data.raw[5:] == b"\xaa" * 91

# in pieces, more of them than are asked for
parts = [ctypes.create_string_buffer(n) for n in (100, 1, 411, 600)]
vector = b"".join(struct.pack("QQ", ctypes.addressof(p), len(p)) for p in parts)
vector = ctypes.create_string_buffer(vector, len(vector))
hdr, sense = sg(fd, block(5), IN, None, dxfer_len=512, dxferp=ctypes.addressof(vector), iovec_count=4)
assert b"".join(p.raw for p in parts)[:512] == out.raw[:512] and not any(parts[3].raw)

# sense data
hdr, sense = sg(fd, block(1 << 30), IN, ctypes.create_string_buffer(512))
assert (hdr.status, hdr.masked_status, hdr.host_status, hdr.driver_status, hdr.info) == (2, 1, 0, 8, 1)
assert hdr.sb_len_wr == 18 and sense[2] == 5 and sense[12] == 0x21
hdr, sense = sg(fd, block(1 << 30), IN, ctypes.create_string_buffer(512), mx_sb_len=4)
assert hdr.sb_len_wr == 4 and sense[4:] == bytes(28)
hdr, sense = sg(fd, block(0), IN, ctypes.create_string_buffer(100)) # not what the CDB says: the driver refuses it
assert hdr.host_status == 5 and hdr.info == 1 and hdr.status == 0
for more in 19, 31: # longer than the older kind of SRB has room for: the driver hears of it, and knows no such command
    hdr, sense = sg(fd, [0x7f] + [0] * more)
    assert (hdr.host_status, hdr.status) == (0, 2) and sense[2] == 5 and sense[12] == 0x20

# what is refused
large = ctypes.create_string_buffer((1 << 20) + 512)
fails(errno.EINVAL, sg, fd, block(0), IN, large)
fails(errno.EINVAL, sg, fd, b"\x2a" + block(0)[1:], OUT, large)
fails(errno.ENOSYS, sg, fd, [0] * 6, interface_id=ord("Q"))
fails(errno.EMSGSIZE, sg, fd, [0] * 5)
fails(errno.EMSGSIZE, sg, fd, [0] * 6, cmd_len=200)
fails(errno.EINVAL, sg, fd, block(0), IN, None, dxfer_len=512)
fails(errno.ENOTTY, call, fd, 0x2284, None) # SG_SCSI_RESET
fails(errno.ENOTTY, call, fd, 0x5401, None) # another's
fails(errno.EFAULT, call, fd, 0x2285, None)
fails(errno.EBADF, os.read, fd, 10)
fails(errno.ENOENT, os.open, "/dev/dryport1", os.O_RDWR)
fails(errno.ENOENT, os.open, "/dev/dryport254", os.O_RDWR)
fails(errno.ENOENT, os.open, "/dev/dryport65536", os.O_RDWR)
fails(errno.ENOENT, os.open, "/dev/dryport0x", os.O_RDWR)
with open("/dev/null") as null:
    fails(errno.ENOTTY, number, null.fileno(), 0x2282)

# descriptors are libc's business
other = os.dup(fd)
os.close(fd)
assert number(other, 0x1268) == 512
fails(errno.EBADF, number, fd, 0x1268)
with open("/dev/null") as null: # takes the number that was ours
    fails(errno.ENOTTY, number, null.fileno(), 0x1268)
if os.fork() == 0:
    os._exit(0 if number(other, 0x1268) == 512 else 1)
assert os.wait()[1] == 0

# many at once, on one descriptor: each gets its own answer
for n in range(64):
    sg(other, b"\x2a" + block(n)[1:], OUT, ctypes.create_string_buffer(bytes([n]) * 512, 512))
wrong = []
def reader(first):
    for n in list(range(first, 64)) + list(range(first)):
        data = ctypes.create_string_buffer(512)
        sg(other, block(n), IN, data)
        if data.raw != bytes([n]) * 512:
            wrong.append(n)
threads = [threading.Thread(target=reader, args=(n,)) for n in range(24)]
for t in threads: t.start()
for t in threads: t.join()
assert not wrong, wrong
PY
sg 0 --size 64M --cpus 2 -- python3 "$work/ioctls.py"
# the other kinds of driver: without DMA, and with a list of one buffer at a time
for example in simple ramdisk; do
  status 0 "$DRYPORT" run "$SOURCE_ROOT/examples/$example" --quiet --sg -- sg_readcap /dev/dryport0
done
sg 0 --size 1M --read-only -- sg_modes -p 8 /dev/dryport0
prints 'WP=1'

# garbage on the socket harms nobody
cat >"$work/garbage.py" <<'PY'
import os, random, socket
draw = random.Random(7)
for n in range(60):
    s = socket.socket(socket.AF_UNIX)
    s.connect(os.environ["DRYPORT_SG"] + "/sg")
    good = bytes([0x53, 0x67, 0x71, 0x31, 0, 0, 1, 1, 0, 2, 0, 0]) # a write of 512 bytes, cut off anywhere
    s.send(good[:draw.randrange(13)] + draw.randbytes(draw.randrange(100)))
    s.shutdown(socket.SHUT_WR)
    try:
        s.recv(4096) # an end, or an answer that refuses it
    except ConnectionResetError: # an end, with something unread
        pass
    s.close()
PY
sg 0 -- sh -c "python3 $work/garbage.py && sg_readcap /dev/dryport0"
prints 'Device size'

# ---- around COMMAND

status 2 "$DRYPORT" run "$nvme" --sg
says -- '--sg needs -- COMMAND'
one_line
sg 50 -- sh -c 'sg_readcap /dev/dryport7; exit 50'
says 'No such file or directory'
sg 127 -- no-such-command
# what was preloaded before stays, and our own process has nothing of it; a sanitized dryport bears no other library
if [ "$SANITIZED" = 0 ]; then
  libm=$(ldconfig -p | awk '/libm\.so\.6/ && !seen++ { print $NF }')
  # shellcheck disable=SC2016
  LD_PRELOAD=$libm sg 0 -- sh -c 'echo "$LD_PRELOAD"; tr "\0" "\n" </proc/$PPID/environ | grep ^LD_PRELOAD'
  prints "^$libm:[^:]*/dryport-sg\.so$"
  [ "$(grep -c dryport-sg "$work/out")" = 1 ] || fail "dryport's own process has the library: $(cat "$work/out")"
fi
# a folder that is reached through a link
mkdir "$work/real"
ln -s real "$work/link"
TMPDIR=$work/link sg 0 -- sg_turs /dev/dryport0
# who goes on after COMMAND has ended finds no machine
# shellcheck disable=SC2016
sg 0 -- sh -c '(while sg_turs /dev/dryport0; do :; done; echo ended >"$0/left") >/dev/null 2>&1 & sleep 0.3' "$work"
for _ in $(seq 50); do [ -s "$work/left" ] && break; sleep 0.1; done
[ -s "$work/left" ] || fail "it goes on without a machine"
# a client that sends its request byte by byte, or takes its answer so, does not keep the machine from ending
cat >"$work/drip.py" <<'PY'
import os, socket, struct, sys, time
def connect():
    s = socket.socket(socket.AF_UNIX)
    s.connect(os.environ["DRYPORT_SG"] + "/sg")
    return s
clients = [connect() for _ in range(2)]
clients[1].sendall(struct.pack("<IHBBIIB3x32s", 0x31716753, 0, 1, 2, 1 << 20, 10, 10,
                               bytes([0x28, 0, 0, 0, 0, 0, 0, 8, 0, 0])))
if os.fork():
    time.sleep(0.2)
    sys.exit()
os.setsid()
for fd in (0, 1, 2):
    os.close(fd)
try:
    while True:
        clients[0].send(b"S")
        clients[1].recv(1)
        time.sleep(0.3)
except OSError:
    pass
PY
SECONDS=0
sg 0 --size 4M -- python3 "$work/drip.py"
[ "$SECONDS" -lt 8 ] || fail "it took $SECONDS s to end"
# without --sg there is no such file
status 1 "$DRYPORT" run "$nvme" --quiet -- test -e /dev/dryport0

# a machine that dies: commands fail at once, the run does
cp -r "$nvme" "$work/dies"
sed -i -E 's/^(\tBOOLEAN IsStart = Cdb\[4\] & 1, NoFlush.*)/\1\n\tif (!IsStart) *(volatile int *)8 = 0;/' "$work/dies/nvme_scsi.c"
! cmp -s "$nvme/nvme_scsi.c" "$work/dies/nvme_scsi.c" || fail "nothing is changed"
status 1 timeout 60 "$DRYPORT" run "$work/dies" --sg -- sh -c 'sg_start --stop /dev/dryport0; sg_readcap /dev/dryport0; true'
says 'No such device'

# a command that the driver keeps through all resets: the caller hears that there is no device any more
cp -r "$SOURCE_ROOT/examples/ramdisk" "$work/keeps"
sed -i -E 's/^(\tif \(Function == SRB_FUNCTION_EXECUTE_SCSI\))$/\tif (Function == SRB_FUNCTION_EXECUTE_SCSI \&\& SrbGetCdb(Srb)->AsByte[0] == SCSIOP_START_STOP_UNIT)\n\t\treturn TRUE;\n\1/' "$work/keeps/ramdisk.c"
! cmp -s "$SOURCE_ROOT/examples/ramdisk/ramdisk.c" "$work/keeps/ramdisk.c" || fail "nothing is changed"
status 99 timeout 100 "$DRYPORT" run "$work/keeps" --quiet --sg -- sg_raw -t 1 /dev/dryport0 1b 00 00 00 00 00
grep -qi 'no_connect' "$work/out" "$work/err" || fail "$(cat "$work/out" "$work/err")"
