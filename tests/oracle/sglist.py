#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
"""The oracle: judges scatter/gather lists, in another language than the one they were made in.

    sglist.py FILE                                  cases and results that oracle-cases wrote
    sglist.py --run PROGRAM --seed S --cases N      runs oracle-cases and judges what it writes
    sglist.py --planted ...                         there is a fault in PROGRAM, to be found in each way

It shares no code and no idea with src/dma. It takes each request as what it is, a row of bytes that
lie in pages, and asks of the list that came out: are these the same bytes, in this order, each
once? Does each element keep each constraint? Could two of them have been one? Did the right bytes
arrive? Is the status the documented one? Small lists are moreover built once more here, one byte
after the other.

A row of bytes is held as `stretches`, [first address, number of bytes], cut only where the next
byte lies somewhere else: two rows are the same bytes if and only if their stretches are the same.

The tags (MR-1, SZ-5, X-2 ...) are numbers of facts; docs/scatter-gather.md lists them.
"""
import argparse
import os
import subprocess
import sys
import zlib

PAGE = 4096
ANYWHERE = (1 << 64) - 1

CASE_WORLD, CASE_ADAPTER, CASE_OBSTACLES, CASE_BUILD, CASE_TRANSFER = 1, 2, 3, 4, 5
DONE, FULL, END, UNREACHABLE, UNALIGNED = 0, 1, 2, 3, 4
DIRECT, BOUNCE, IOMMU = 0, 1, 2
WAYS = ('map', 'build', 'get', 'channel')
BY_MAP, BY_BUILD, BY_GET, BY_CHANNEL = 0, 1, 2, 3

SUCCESS = 0
INVALID_PARAMETER = 0xC000000D
INSUFFICIENT_RESOURCES = 0xC000009A
BUFFER_TOO_SMALL = 0xC0000023

EFAULT = (1 << 64) - 14

# The hole below 4 GiB, where no memory of the machine is.
HOLE = range(0xC0000000, 0x100000000)


class Wrong(Exception):
    """What is wrong with a result."""


def must(is_right, what):
    if not is_right:
        raise Wrong(what)


# ---- reading ----

class Reader:
    """The words of one record, one after the other."""

    def __init__(self, words):
        self.words = words
        self.at = 0

    def word(self):
        value = self.words[self.at]
        self.at += 1
        return value

    def take(self, count):
        values = self.words[self.at:self.at + count]
        self.at += count
        return values

    def chain(self):
        """MDLs: (byte offset, byte count, frames)."""
        mdls = []
        for _ in range(self.word()):
            offset, count = self.take(2)
            mdls.append((offset, count, self.take((offset + count + PAGE - 1) // PAGE)))
        return mdls

    def elements(self):
        """Elements: (address, length)."""
        values = self.take(2 * self.word())
        return list(zip(values[0::2], values[1::2]))


# ---- rows of bytes ----

def parts_of(mdls, start, length):
    """The bytes [start, start + length) of a chain, as the page parts they lie in: (address, bytes).
    Fewer if the chain is shorter."""
    parts = []
    skip = start
    for offset, count, frames in mdls:
        at = offset + skip
        left = min(count - skip, length)
        skip = 0  # the start lies in the first MDL
        length -= max(left, 0)
        while left > 0:
            in_page = at % PAGE
            here = min(PAGE - in_page, left)
            parts.append((frames[at // PAGE] * PAGE + in_page, here))
            at += here
            left -= here
    return parts


def stretches_of(parts):
    """Joins what follows each other."""
    stretches = []
    end = None
    for address, count in parts:
        if address == end:
            stretches[-1][1] += count
        else:
            stretches.append([address, count])
        end = address + count
    return stretches


def first_bytes(stretches, count):
    """The first `count` bytes of a row."""
    row = []
    for address, length in stretches:
        if count <= 0:
            break
        row.append([address, min(length, count)])
        count -= length
    return row


def byte_at(stretches, position):
    """The address of one byte of a row."""
    for address, length in stretches:
        if position < length:
            return address + position
        position -= length
    raise Wrong("a position outside the transfer")


def registers_of(mdls, start, length):
    """MR-1: map registers are spanned pages, summed per MDL (X-8)."""
    return len(parts_of(mdls, start, length))


# ---- the builder ----

class Limits:
    def __init__(self, max_address, max_length, boundary, alignment):
        self.max_address = max_address
        self.boundary = boundary
        self.alignment = alignment or 1
        self.longest = max_length or (1 << 32) - 1
        self.longest -= self.longest % self.alignment

    def joins(self, element, address):
        """Whether the byte at this address may become the element's next."""
        return (element[0] + element[1] == address and element[1] < self.longest
                and not (self.boundary and address % self.boundary == 0))

    def keeps(self, element, is_last):
        """Whether an element is one that the device takes."""
        address, length = element
        last = address + length - 1
        return (0 < length <= self.longest and last <= self.max_address
                and not (self.boundary and address // self.boundary != last // self.boundary)
                and address % self.alignment == 0
                and (is_last or (last + 1) % self.alignment == 0))


def why_stopped(limits, stretches, have, want, done, last, is_full):
    """The one reason for which the byte at `done` is in no element; the order is documented."""
    if done == want:
        return DONE
    if done == have:
        return END
    address = byte_at(stretches, done)
    if address > limits.max_address:
        return UNREACHABLE
    must(not (last and limits.joins(last, address)), "the byte at the cursor fits the last element")
    if (limits.longest == 0 or address % limits.alignment
            or (last and (last[0] + last[1]) % limits.alignment)):
        return UNALIGNED
    must(is_full, "it stopped without a reason")
    return FULL


def one_by_one(limits, stretches, want):
    """The list, made byte after byte: the definition."""
    elements = []
    for start, length in stretches:
        for address in range(start, start + length):
            if want == 0:
                return elements
            want -= 1
            if address > limits.max_address:
                return elements
            if elements and limits.joins(elements[-1], address):
                elements[-1][1] += 1
                continue
            if limits.longest == 0 or address % limits.alignment:
                return elements
            if elements and sum(elements[-1]) % limits.alignment:
                return elements
            elements.append([address, 1])
    return elements


def judge_build(r):
    r.word()  # the instructions that were used, for a person
    limits = Limits(*r.take(4))
    mdls = r.chain()
    start, want, is_inside = r.take(3)
    must(is_inside == (start < mdls[0][1]), "current_va inside or outside the first MDL (X-6, X-7)")
    if not is_inside:
        return
    registers, short_by = r.take(2)
    parts = parts_of(mdls, start, want)
    stretches = stretches_of(parts)
    have = sum(count for _, count in parts)
    must(registers == len(parts), "map registers (MR-1, X-8)")
    must(short_by == want - have, "how much the chain is short of the transfer")
    elements = []
    done = 0
    result = FULL
    while r.at < len(r.words):
        must(result == FULL, "a call after the end")
        room, result, left = r.take(3)
        more = r.elements()
        must(len(more) <= room, "more elements than there is room for")
        elements += more
        done += sum(length for _, length in more)
        must(left == want - done, "the cursor, or the sum of lengths (MR-5)")
        last = elements[-1] if elements else None
        must(result == why_stopped(limits, stretches, have, want, done, last, len(more) == room),
             "the result")
    joined = stretches_of(elements)
    must(joined == first_bytes(stretches, done), "other bytes than the transfer's, or their order")
    for n, element in enumerate(elements):
        is_last = n == len(elements) - 1
        must(limits.keeps(element, is_last), "element %d breaks a limit" % n)
        must(is_last or not limits.joins(element, elements[n + 1][0]),
             "elements %d and %d could be one (MR-4)" % (n, n + 1))
    if want <= 300:
        must([list(e) for e in elements] == one_by_one(limits, stretches, want),
             "not the list that one gets byte after byte")


# ---- the engines ----

def make_table():
    """Bytes that everybody knows; case_transfer.c has the same generator."""
    x = 1
    table = bytearray(131072)
    for n in range(len(table)):
        x = (x * 1664525 + 1013904223) % (1 << 32)
        table[n] = x >> 24
    return bytes(table)


TABLE = make_table()


def page_content(page, number):
    at = (page * 5003 + number * 131) % (len(TABLE) - PAGE)
    return TABLE[at:at + PAGE]


def device_content(number, length):
    at = (number * 613 + 7) % 0x10000
    return TABLE[at:at + length]


class World:
    """A machine: its engine, its memory, its adapters, and the map registers that others hold."""

    def __init__(self, r):
        self.engine, self.registers, base, pages = r.take(4)
        self.bounce = range(base, base + pages * PAGE) if base != ANYWHERE else range(0)
        self.page_of_frame = {frame: n for n, frame in enumerate(r.take(r.word()))}
        self.adapters = {}
        self.taken = []

    def adapter(self, r):
        number = r.word()
        adapter = Adapter(self, *r.take(4))
        must(r.word() == adapter.limit, "the map registers of an adapter (D-5)")
        self.adapters[number] = adapter

    def obstacles(self, r):
        self.taken = [tuple(r.take(2)) for _ in range(r.word())]

    def count_taken(self):
        return sum(count for _, count in self.taken)

    def has_run(self, need, below):
        """MR-7: whether that many neighbours are free."""
        free = 0
        used = {n for first, count in self.taken for n in range(first, first + count)}
        for n in range(below):
            free = 0 if n in used else free + 1
            if free == need:
                return True
        return False


class Adapter:
    def __init__(self, world, width, scatters, max_transfer, registers):
        self.highest = (1 << width) - 1
        self.scatters = bool(scatters)
        # The registers whose pages the device reaches.
        self.below = world.registers
        if world.engine == BOUNCE:
            reached = max(self.highest + 1 - world.bounce.start, 0) // PAGE
            self.below = min(self.below, reached)
        # D-5: a page more than the longest transfer has.
        longest = max_transfer or (1 << 32) - 1
        self.limit = (longest + PAGE - 1) // PAGE + 1
        if registers:
            self.limit = min(self.limit, registers)
        if world.registers:
            self.limit = min(self.limit, self.below)


class Transfer:
    """A request, and the words of what came of it."""

    def __init__(self, world, r):
        self.world = world
        self.how, adapter, self.write, self.whole, self.room = r.take(5)
        self.adapter = world.adapters[adapter]
        self.mdls = r.chain()
        self.start, self.length, self.number = r.take(3)
        self.parts = parts_of(self.mdls, self.start, self.length)
        self.have = sum(count for _, count in self.parts)
        self.registers = len(self.parts)
        self.slots = self.slots_of()

    # what ought to be

    def slots_of(self):
        """Which map register serves each page part, from 0: a part that goes on in the page of the
        one before, in another MDL, shares its register, though it counts for one (X-8)."""
        slots = []
        end = None
        for address, count in self.parts:
            shares = address == end and address % PAGE
            slots.append(slots[-1] + (not shares) if slots else 0)
            end = address + count
        return slots

    def status_of_size(self):
        """The order of X-2."""
        if self.length == 0 or self.start >= self.mdls[0][1]:
            return INVALID_PARAMETER
        if self.have < self.length:
            return BUFFER_TOO_SMALL  # SZ-9
        if self.registers > self.adapter.limit:
            return INSUFFICIENT_RESOURCES  # MR-2
        return SUCCESS

    def list_elements(self):
        """SZ-4, SZ-5: the elements that a list buffer must have room for."""
        return self.registers if self.adapter.scatters else 1

    def reaches(self, part):
        return part[0] + part[1] - 1 <= self.adapter.highest

    def way(self):
        """How the device gets it: 'plain', 'translated', 'packed', or None: not at all."""
        scatters = self.adapter.scatters
        is_reached = all(self.reaches(part) for part in self.parts)
        if self.world.engine == IOMMU:
            # A register's page each: neighbours, if the parts fill their pages between them.
            is_one = all(slot == self.slots[n] or not ((a + count) % PAGE or b % PAGE)
                         for n, ((a, count), (b, _), slot)
                         in enumerate(zip(self.parts, self.parts[1:], self.slots[1:])))
            return 'translated' if scatters or is_one else 'packed'
        if is_reached and (scatters or len(stretches_of(self.parts)) == 1):
            return 'plain'
        if self.world.engine == DIRECT:
            return None  # D-14, SGL-6
        return 'translated' if scatters and not self.whole else 'packed'  # R-6, SGL-6

    def row(self, way, elements):
        """The addresses that the list must lead to, for each page part. A copy's or a
        translation's first address is taken from the list itself, and all else follows from it:
        one map register for each part, neighbours (MR-7), the byte offset kept."""
        if way == 'plain':
            return self.parts
        first = self.first_register(way, elements)
        if way == 'packed':
            address = first + self.parts[0][0] % PAGE
            return [(address, self.length)]
        row = []
        position = 0
        for slot, part in zip(self.slots, self.parts):
            if self.world.engine == BOUNCE and self.reaches(part):
                row.append(part)
            elif self.world.engine == BOUNCE and self.how == BY_CHANNEL:
                # Which of its registers a piece takes is not told; judge_copies sees to the rest.
                address = byte_at(elements, position)
                row.append((address - address % PAGE + part[0] % PAGE, part[1]))
            else:
                row.append((first + slot * PAGE + part[0] % PAGE, part[1]))
            position += part[1]
        return row

    def judge_copies(self, row):
        """Pieces of MapTransfer: each copy has a page of its own."""
        pages = [address // PAGE for address, _ in row if address in self.world.bounce]
        must(len(pages) == sum(not self.reaches(part) for part in self.parts), "a copy elsewhere")
        must(len(pages) == len(set(pages)), "two copies in one page")

    def first_register(self, way, elements):
        """The address of the page that belongs to the first map register."""
        position = 0
        n = 0
        if way == 'translated' and self.world.engine == BOUNCE:
            while self.reaches(self.parts[n]):
                position += self.parts[n][1]
                n += 1
        address = byte_at(elements, position)
        return address - address % PAGE - self.slots[n] * PAGE

    def room_for_registers(self, first):
        """Where the pages of map registers may lie."""
        last = first + self.registers * PAGE - 1
        if self.world.engine == BOUNCE:
            return first in self.world.bounce and last in self.world.bounce
        return first % PAGE == 0 and last <= self.adapter.highest and (
            self.adapter.highest < HOLE.start or (first in HOLE and last in HOLE))

    def status(self):
        """Whether it has to wait for map registers, and the status then."""
        world = self.world
        takes = self.registers if world.registers else 0
        status = self.status_of_size()
        if self.how == BY_BUILD and status in (SUCCESS, INSUFFICIENT_RESOURCES):
            if self.room < self.list_elements():
                return False, BUFFER_TOO_SMALL  # SZ-5, before the registers
        if status:
            return False, status
        way = self.way()
        waits = takes > 0 and not world.has_run(takes, self.adapter.below)
        if self.how == BY_CHANNEL:
            return waits, INSUFFICIENT_RESOURCES if way is None else SUCCESS
        if way is None:
            return False, INSUFFICIENT_RESOURCES
        if waits:
            # The port's requests have somebody who waits for them; not here.
            return (False, INSUFFICIENT_RESOURCES) if self.how == BY_MAP else (True, SUCCESS)
        if self.how == BY_MAP:
            fits = 1 if way == 'packed' else len(stretches_of(self.row_in_hand(way)))
            if fits > self.room:
                return False, INSUFFICIENT_RESOURCES
        return False, SUCCESS

    def row_in_hand(self, way):
        """Addresses that are neighbours where those of the row will be."""
        if way == 'plain':
            return self.parts
        base = self.world.bounce.start if self.world.engine == BOUNCE else HOLE.start
        return [part if self.world.engine == BOUNCE and self.reaches(part)
                else (base + slot * PAGE + part[0] % PAGE, part[1])
                for slot, part in zip(self.slots, self.parts)]

    # what came

    def judge(self, r):
        world = self.world
        status, size, registers = r.take(3)
        expected = self.status_of_size()
        must(status == expected, "the status of dma_list_size: %x, not %x" % (status, expected))
        if not status:
            must(size == 16 + 24 * self.list_elements(), "the size of the list (SZ-5)")
            must(registers == self.registers, "the number of map registers (MR-1)")
        before, waited, status = r.take(3)
        must(before == world.count_taken(), "map registers taken beforehand")
        waits, expected = self.status()
        must(waited == waits, "waited for map registers: %d (X-10, MR-7)" % waited)
        must(status == expected, "the status: %x, not %x" % (status, expected))
        if waited:
            world.taken = []
            before = 0
        if status:
            must(r.word() == before, "map registers after a failure")
            return
        self.judge_list(r, before)

    def judge_list(self, r, before):
        world = self.world
        way = self.way()
        taken = before + (self.registers if world.registers else 0)
        must(r.word() == taken, "map registers while the list is live")
        elements = r.elements()
        must(sum(length for _, length in elements) == self.length, "the sum of lengths (MR-5)")
        row = self.row(way, elements)
        must([list(e) for e in elements] == stretches_of(row), "the elements (%s)" % way)
        must(all(a + n - 1 <= self.adapter.highest for a, n in elements), "an element out of reach")
        if way == 'translated' and self.how == BY_CHANNEL and world.engine == BOUNCE:
            self.judge_copies(row)
        elif way != 'plain':
            first = self.first_register(way, elements)
            must(self.room_for_registers(first), "addresses that belong to no map register")
        self.judge_va(r.word(), way, elements)
        self.judge_device(r, way, elements)
        if self.how in (BY_BUILD, BY_GET):
            self.judge_target(r, way, elements)
        status, late, after = r.take(3)
        must(status == SUCCESS, "the status of Put")
        must((late == EFAULT) == self.is_guarded(elements[0][0]), "the device after the end")
        must(after == before, "map registers after the end")
        self.judge_pages(r)

    def is_guarded(self, address):
        """Whether the engine lets a device there only while and where something is mapped."""
        return self.world.engine == IOMMU or address in self.world.bounce

    def judge_va(self, va, way, elements):
        """R-6: where the processor sees a copy of the whole. (Behind an iommu the device's address
        for it is another.)"""
        if self.how != BY_MAP or way != 'packed':
            must(va == ANYWHERE, "an address of a copy of the whole, which there is not")
        elif self.world.engine == BOUNCE:
            must(va == elements[0][0], "the address of the copy (R-6)")
        else:
            must(va in self.world.bounce and va % PAGE == self.parts[0][0] % PAGE,
                 "the address of the copy (R-6)")

    def memory(self):
        """The bytes of the transfer as the processor had left them."""
        number = self.number
        known = self.world.page_of_frame
        return b''.join(page_content(known[address // PAGE], number)[address % PAGE:][:count]
                        for address, count in self.parts)

    def judge_device(self, r, way, elements):
        error, told, before, behind, against = r.take(5)
        must(error == 0, "the device could not work on its list")
        if self.write:
            must(told == zlib.crc32(self.memory()), "the device has read other bytes")
        else:
            must(told == self.length, "the device has written less")
        first = elements[0][0] - 1
        end = elements[-1][0] + elements[-1][1]
        if self.is_guarded(first):
            must(before == EFAULT, "the byte before the list is open to the device")
        if self.is_guarded(end):
            must(behind == EFAULT, "the byte behind the list is open to the device")
        if self.world.engine == IOMMU:
            must(against == EFAULT, "the wrong direction is open to the device")

    def judge_target(self, r, way, elements):
        """BuildMdlFromScatterGatherList (2.4): the buffer itself, or the copy."""
        status, is_same = r.take(2)
        is_copied = way == 'packed' or (way == 'translated' and self.world.engine == BOUNCE)
        must(status == SUCCESS, "the status of BuildMdlFromScatterGatherList")
        must(is_same == (not is_copied), "the MDL is the original one if nothing is copied")
        if is_same:
            return
        row = parts_of(r.chain(), 0, self.length)
        must(sum(count for _, count in row) == self.length, "the length of the MDL over the copy")
        if self.world.engine == BOUNCE:
            must(stretches_of(row) == [list(e) for e in elements],
                 "the MDL over the copy does not describe what the list does")

    def judge_pages(self, r):
        """All bytes of all pages: what the device sent, where it belongs, and else no change."""
        pages = {}
        number = self.number
        for _, _, frames in self.mdls:
            for frame in frames:
                pages[frame] = page_content(self.world.page_of_frame[frame], number)
        if not self.write:
            sent = device_content(number, self.length)
            at = 0
            for address, count in self.parts:
                frame, in_page = divmod(address, PAGE)
                old = pages[frame]
                pages[frame] = old[:in_page] + sent[at:at + count] + old[in_page + count:]
                at += count
        for _, _, frames in self.mdls:
            for n, frame in enumerate(frames):
                must(r.word() == zlib.crc32(pages[frame]), "page %d holds other bytes" % n)


# ---- all ----

class Tally:
    """How many cases were judged, and how many were wrong, by what was asked for."""

    def __init__(self):
        self.judged = dict.fromkeys(('builder',) + WAYS, 0)
        self.wrong = dict(self.judged)
        self.unreadable = 0  # records that are no cases, or not what they say

    def failed(self):
        return self.unreadable or any(self.wrong.values()) or not all(self.judged.values())

    def found(self):
        """Whether a fault in the builder has shown in each way."""
        return not self.unreadable and all(self.wrong.values())


def judge_record(r, world, tally, kind):
    """Returns the world of the records behind this one."""
    if kind == CASE_WORLD:
        return World(r)
    if kind == CASE_ADAPTER:
        world.adapter(r)
    elif kind == CASE_OBSTACLES:
        world.obstacles(r)
    elif kind == CASE_BUILD:
        tally.judged['builder'] += 1
        judge_build(r)
    elif kind == CASE_TRANSFER:
        transfer = Transfer(world, r)
        tally.judged[WAYS[transfer.how]] += 1
        transfer.judge(r)
    else:
        raise Wrong("a record of an unknown kind")
    return world


def label_of(r, kind):
    """What a wrong record is counted as; None: it is no case."""
    if kind == CASE_BUILD:
        return 'builder'
    return WAYS[r.words[2]] if kind == CASE_TRANSFER else None


def judge(stream, out):
    """Reads records to the end."""
    tally = Tally()
    world = None
    number = 0
    rest = b''
    while True:
        block = stream.read(1 << 20)
        if not block:
            break
        data = rest + block
        words = memoryview(data[:len(data) // 8 * 8]).cast('Q').tolist()
        at = 0
        while at < len(words) and at + words[at] <= len(words):
            r = Reader(words[at:at + words[at]])
            _, kind = r.take(2)
            try:
                world = judge_record(r, world, tally, kind)
                must(r.at == len(r.words), "a record of another length")
            except (Wrong, IndexError, KeyError, ValueError) as error:
                label = label_of(r, kind) if isinstance(error, Wrong) else None
                if label:
                    tally.wrong[label] += 1
                else:
                    tally.unreadable += 1
                if tally.unreadable + sum(tally.wrong.values()) <= 10:
                    print("record %d (%s): %s" % (number, label, error or repr(error)), file=out)
                    print("  " + " ".join("%x" % word for word in r.words[:120]), file=out)
            number += 1
            at += words[at]
        rest = data[8 * at:]
    if rest:
        print("the file ends inside a record", file=out)
        tally.unreadable += 1
    return tally


def main():
    parser = argparse.ArgumentParser(description="Judges scatter/gather lists.")
    parser.add_argument("file", nargs="?", help="what oracle-cases wrote; - for standard input")
    parser.add_argument("--run", metavar="PROGRAM", help="oracle-cases itself")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=200000)
    parser.add_argument("--planted", action="store_true",
                        help="succeeds if and only if there is something wrong in each way")
    options = parser.parse_args()
    if bool(options.run) == bool(options.file):
        parser.error("either a file or --run")
    child = None
    if options.run:
        child = subprocess.Popen([options.run, str(options.seed), str(options.cases)],
                                 stdout=subprocess.PIPE, bufsize=0)
        stream = os.fdopen(os.dup(child.stdout.fileno()), "rb")
    else:
        stream = sys.stdin.buffer if options.file == "-" else open(options.file, "rb")
    tally = judge(stream, sys.stdout)
    failed = child.wait() if child else 0
    judged = sum(tally.judged.values())
    print("%d cases: %s; %d unreadable records" % (judged, ", ".join(
        "%d of %s (%d wrong)" % (tally.judged[way], way, tally.wrong[way])
        for way in tally.judged), tally.unreadable))
    if failed:
        print("%s ended with %d" % (options.run, failed))
    if options.run and judged != options.cases:
        print("but %d were asked for" % options.cases)
        return 1
    if options.planted:
        return 0 if tally.found() and not failed else 1
    return 1 if tally.failed() or failed else 0


if __name__ == "__main__":
    sys.exit(main())
