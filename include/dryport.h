/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * dryport: the one header of a host program.
 *
 * A machine has processors, memory, a PCI bus with a device, and one Windows storage miniport
 * driver. Make it, set options (the same names and values as on the command line of `dryport run`),
 * start it, do I/O on its units, stop it, free it. One live machine per process.
 *
 *	struct dry_machine *m = dry_machine_new();
 *	dry_machine_set(m, "hw", "simple");
 *	dry_machine_set(m, "size", "64M");
 *	if (dry_machine_start(m, "simple.so") < 0)
 *		errx(1, "%s", dry_error());
 *	dry_write(dry_unit_get(m, 0), buffer, 4096, 0, 0);
 *	dry_machine_stop(m);
 *	dry_machine_free(m);
 *
 * Functions that return int give 0 (or a count) or -errno; dry_error() then has a full sentence for
 * a person, kept per thread until the next failing call.
 *
 * States. A machine is *made* (dry_machine_new; options may be set), *running* (after
 * dry_machine_start: units, I/O) and *stopped* (after dry_machine_stop: the summary; it may be
 * started again). What a call needs stands beside it; "any" is all three.
 *
 * Threads. Making, setting, starting, stopping and freeing are for one thread at a time. I/O may
 * come from any thread that is not a processor of the machine, several at once. Under replay
 * (option "seed") only the thread that started the machine may use it, and the machine runs only
 * while that thread waits in a call.
 *
 * With the option "dump" a machine crashes during dry_workload_run. It is stopped after that, and
 * cannot be taken down: no other can be started in its process, which should end.
 *
 * A crash or bug check of the driver, and a machine that can never go on under replay, end the
 * process with status 1 and a report on standard error.
 */
#ifndef DRYPORT_H
#define DRYPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DRY_API __attribute__((visibility("default")))

struct dry_machine;
struct dry_unit;

/* The calling thread's last error, "" if none. Any state, any thread; valid until the thread's next
 * failing call. */
DRY_API const char *dry_error(void);
/* "0.1.0"; a constant. */
DRY_API const char *dry_version(void);

/* ---- a machine ---- */

/* A machine with default options, the caller's to free. NULL if out of memory. */
DRY_API struct dry_machine *dry_machine_new(void);
/* Made or stopped: sets an option (the text is copied). -ENOENT: no such option; -EINVAL: a bad
 * value (dry_error says which are good); -EBUSY: running. */
DRY_API int dry_machine_set(struct dry_machine *machine, const char *option, const char *value);

/* The n-th option, for help texts; NULL past the end. Constants; any thread. */
struct dry_option {
	const char *name;     /* "memory" */
	const char *argument; /* "POLICY", "" for a switch */
	const char *help;     /* one line */
};
DRY_API const struct dry_option *dry_option_get(unsigned n);

/* The n-th device model, for `dryport hw`; NULL past the end. The result is the calling thread's
 * until its next call. */
struct dry_model {
	const char *name;
	const char *help;
};
DRY_API const struct dry_model *dry_model_get(unsigned n);
/* Its options, "key=VALUE  what", lines separated by '\n'; NULL past the end. It may ask another
 * program (QEMU) for them. One thread at a time. */
DRY_API const char *dry_model_options(unsigned n);

/*
 * Made or stopped. Builds the machine, loads the miniport (a .so of `dryport build`), runs its
 * DriverEntry, finds and initialises its adapters, asks for its units. Returns when the units are
 * ready. On failure everything is undone and the machine can be freed; what was wrong, where and
 * what to do is in dry_error(): -ENOENT, -EINVAL, -ENOEXEC (the object), -EBUSY (another machine is
 * running in this process), -ENOMEM, -ENODEV (the driver found no adapter) ... Waits; not on a
 * processor.
 */
DRY_API int dry_machine_start(struct dry_machine *machine, const char *driver);

/*
 * Flushes the units, sends SRB_FUNCTION_SHUTDOWN, stops the adapters, unloads the driver.
 * Outstanding I/O is waited for; calls that come in meanwhile get -ESHUTDOWN. -EIO if something
 * could not be flushed; the rest is done all the same. The summary stays readable until the machine
 * is freed. Nothing and 0 if it is not running. Not on a processor.
 */
DRY_API int dry_machine_stop(struct dry_machine *machine);
/* Stops it if it is running; NULL does nothing. Its units, and buffers of dry_buffer_new, go with
 * it. */
DRY_API void dry_machine_free(struct dry_machine *machine);

/*
 * Running; waits. Something happens to an adapter (0, 1 ... in the order of their start) while I/O
 * goes on: restart (stopped, and started again), stop, start, sleep (D3), wake, nap (both), unplug
 * (surprise removal), remove (in good order), plug (after one of these two: as a new adapter),
 * replug (unplug and plug), reset-lun, reset-target, reset-bus, pause, resume, rescan. Requests for
 * an adapter that is stopped or asleep wait; for one that is removed they fail with -ENXIO, or wait
 * with option "hold". Units of a plugged adapter that are as large as before go on under their
 * names. -EINVAL: no such event or adapter, or not in this state of it; -EOPNOTSUPP: not with SCSI
 * Port; -ETIMEDOUT: the driver keeps a request, -EBUSY: it refuses to be stopped, and it goes on as
 * before; -EIO, -ENODEV ... of an event that starts or wakes it: it has failed, and requests fail;
 * -EIO of a reset: the driver has refused it; -EIO of one that ends it: it could not be flushed
 * (sleep: it goes on; remove: it is removed); -ENOMEM, -ESHUTDOWN, -EPERM (another thread than the
 * starter's, under replay). Events of several threads come one after the other. Not on a
 * processor.
 */
DRY_API int dry_machine_event(struct dry_machine *machine, const char *event, unsigned adapter);

/* ---- units ---- */

/* Units of a running machine, else 0. */
DRY_API unsigned dry_unit_count(const struct dry_machine *machine);
/* The n-th unit in order of (bus, target, unit); NULL past the end. The machine's, valid until it
 * stops. */
DRY_API struct dry_unit *dry_unit_get(struct dry_machine *machine, unsigned n);

struct dry_unit_info {
	uint64_t size;	       /* bytes */
	uint32_t block_size;   /* bytes; offsets and counts must be multiples */
	uint32_t max_transfer; /* bytes that go in one SRB; larger requests are split */
	bool read_only, can_flush, can_fua, can_trim, can_zero;
	char name[16]; /* "0:0:0": bus, target, unit; behind "N:" for an adapter N that is not the
			  first, 0 */
	char vendor[9], product[17], revision[5]; /* from INQUIRY, trimmed */
};
/* What the unit said of itself at the start, but for its size, which is the newest known. Any
 * thread. */
DRY_API void dry_unit_info(const struct dry_unit *unit, struct dry_unit_info *info);

/* ---- I/O ---- */

enum { DRY_FUA = 1 }; /* flags: the data is on the medium when the call returns */

/* Running; blocking; of any length, split as the driver needs it; whole requests or an error:
 * -EINVAL (not a multiple of the block size), -ENOSPC (the medium is full), -EIO, -EROFS, -ENOTSUP,
 * -ENXIO (past the end, or the unit is gone), -ETIMEDOUT, -ESHUTDOWN (the machine is stopping).
 * dry_trim makes no promise of what is read afterwards, dry_zero does; DRY_FUA makes either last.
 */
DRY_API int dry_read(struct dry_unit *unit, void *buffer, uint64_t count, uint64_t offset);
DRY_API int dry_write(
	struct dry_unit *unit, const void *buffer, uint64_t count, uint64_t offset, unsigned flags);
DRY_API int dry_flush(struct dry_unit *unit);
DRY_API int dry_trim(struct dry_unit *unit, uint64_t count, uint64_t offset, unsigned flags);
DRY_API int dry_zero(struct dry_unit *unit, uint64_t count, uint64_t offset, unsigned flags);

/* Asynchronous. The structure and the buffer are the machine's until done runs, on a processor of
 * the machine at DISPATCH_LEVEL: it must not wait, and may submit. */
enum dry_op { DRY_OP_READ, DRY_OP_WRITE, DRY_OP_FLUSH, DRY_OP_TRIM, DRY_OP_ZERO };
struct dry_io {
	enum dry_op op;
	unsigned flags;
	void *buffer; /* any memory; a buffer of dry_buffer_new is used in place, without a copy */
	uint64_t count, offset;
	void (*done)(struct dry_io *io);
	void *ctx;	    /* the caller's */
	int result;	    /* 0 or -errno, valid in done */
	void *private_[18]; /* the machine's */
};
/* -EINVAL, -ENXIO, -ESHUTDOWN: nothing was submitted, done will not run. */
DRY_API int dry_submit(struct dry_unit *unit, struct dry_io *io);

/* Memory of the machine for I/O without a copy: page aligned, of the machine's memory policy. After
 * the start, before the stop. */
DRY_API void *dry_buffer_new(struct dry_machine *machine, size_t bytes);
DRY_API void dry_buffer_free(struct dry_machine *machine, void *buffer, size_t bytes);

/* Running; waits. SRB_FUNCTION_IO_CONTROL: signature of 8 characters; buffer goes in and comes
 * back. The driver's return code (SRB_IO_CONTROL.ReturnCode) in *code. */
DRY_API int dry_ioctl(struct dry_unit *unit, const char *signature, uint32_t control, void *buffer,
	size_t bytes, uint32_t *code);

/* Running; waits. Reads a file in the format of option "registry" into the registry, as another
 * program changes it: who asked for it is told (StorPortEnableRegistryKeyNotification). Errors as
 * the option's at the start: what stands before a bad line has been read. */
DRY_API int dry_registry_read(struct dry_machine *machine, const char *path);

/*
 * A SCSI command as it is: not split, not sent again; the port's queues, gates and resets are those
 * of every request. The miniport sees at most what it announced.
 */
enum dry_scsi_end {
	DRY_SCSI_ANSWERED, /* by the unit: scsi_status says how */
	DRY_SCSI_REFUSED,  /* as no request that the miniport takes (or the port, for it) */
	DRY_SCSI_BUSY,	   /* for as long as the port tries */
	DRY_SCSI_TIMEOUT,
	DRY_SCSI_RESET, /* ended by a reset */
	DRY_SCSI_ABORTED,
	DRY_SCSI_NO_DEVICE, /* no such unit, no adapter any more */
	DRY_SCSI_FAILED	    /* otherwise: srb_status says how */
};
struct dry_scsi {
	uint8_t cdb[32], cdb_length; /* more than 16: for a miniport of STORAGE_REQUEST_BLOCK */
	bool is_write;		     /* data go to the unit */
	void *data; /* NULL if bytes is 0; what is read comes over what was there */
	uint32_t bytes;
	uint32_t seconds; /* until it has timed out; 0: 60 */

	enum dry_scsi_end end; /* from here on filled in */
	uint8_t srb_status;    /* SRB_STATUS_, without the modifier bits */
	uint8_t scsi_status;
	uint8_t sense_length; /* 0: none */
	uint8_t sense[252];
	uint32_t moved; /* bytes, as the miniport says */
};
/* Running; waits. 0: it was carried out, whatever came of it. -EINVAL: no CDB of 1 to 32 bytes,
 * more bytes than max_transfer (nothing was sent); -ENOMEM, -ESHUTDOWN. */
DRY_API int dry_scsi(struct dry_unit *unit, struct dry_scsi *scsi);

/*
 * A request to the driver of a virtual miniport as a program on Windows makes it: the device
 * control IOCTL_MINIPORT_PROCESS_SERVICE_IRP to its adapter, whose HwStorProcessServiceRequest gets
 * it and ends it when it likes (StorPortCompleteServiceIrp): what it means is the driver's own
 * business. It may hold addresses of the program's memory, which a driver locks while it uses it
 * (MmProbeAndLockPages): that must stay mapped until then.
 */
struct dry_service {
	const void *in;
	void *out; /* may be the same */
	uint32_t in_bytes, out_bytes;
	uint32_t seconds; /* until it is cancelled; 0: 60 */

	uint32_t status;   /* filled in: the driver's NTSTATUS */
	uint32_t returned; /* bytes in out */
};
/*
 * Running; waits until the driver has ended it, whatever its status, and holds up no other call;
 * the machine's stop ends it. adapter: in order of the start; a virtual one is the last. -ENODEV:
 * there is none; -ESHUTDOWN; -ENOMEM; -ETIMEDOUT: the driver has not ended it, though it was
 * cancelled.
 */
DRY_API int dry_service(struct dry_machine *machine, unsigned adapter, struct dry_service *service);

/*
 * A device control as a program on Windows makes it (DeviceIoControl): IRP_MJ_DEVICE_CONTROL to an
 * adapter or to a disk, by way of its driver's dispatch routine. Of both the port knows
 * IOCTL_SCSI_MINIPORT (an SRB_IO_CONTROL and its data, to the miniport as SRB_FUNCTION_IO_CONTROL),
 * IOCTL_SCSI_GET_CAPABILITIES and IOCTL_STORAGE_QUERY_PROPERTY; of disks IOCTL_SCSI_PASS_THROUGH,
 * _DIRECT, _EX and _DIRECT_EX, IOCTL_SCSI_GET_ADDRESS and IOCTL_STORAGE_GET_DEVICE_NUMBER; what
 * else there is is the driver's business. Memory that a direct pass-through names has to stay
 * mapped until it has ended.
 */
struct dry_control {
	uint32_t code; /* IOCTL_: METHOD_BUFFERED */
	const void *in;
	void *out; /* may be the same */
	uint32_t in_bytes, out_bytes;
	uint32_t seconds; /* until it is cancelled; 0: 120 */

	uint32_t status;   /* filled in: NTSTATUS */
	uint32_t returned; /* bytes in out */
};
/*
 * Running; waits until it has ended, whatever its status. unit: NULL, or one of the adapter;
 * adapter: in order of the start. -EINVAL: the code's method; -ENODEV: there is no such adapter, or
 * not with such a unit at present; otherwise as dry_service.
 */
DRY_API int dry_control(struct dry_machine *machine, unsigned adapter, struct dry_unit *unit,
	struct dry_control *control);

/*
 * A WMI request as the system makes it: IRP_MJ_SYSTEM_CONTROL to an adapter, or to a unit of it,
 * whose miniport has set WmiDataProvider and gets it as SRB_FUNCTION_WMI. The buffer holds a WNODE_
 * structure of wmistr.h, as the page of the minor code has it.
 */
struct dry_wmi {
	uint8_t minor;	   /* IRP_MN_QUERY_ALL_DATA, 0, to IRP_MN_REGINFO_EX, 11 */
	uint8_t block[16]; /* its GUID, as a GUID lies in memory; unused for REGINFO and REGINFO_EX
			    */
	void *buffer;	   /* goes in and comes out */
	uint32_t bytes;

	uint32_t status;   /* filled in: NTSTATUS; C00000BB: no miniport that provides data */
	uint32_t returned; /* bytes in buffer */
};
/*
 * Running; waits. unit: NULL, or one of the adapter; adapter: in order of the start. 0, whatever
 * the status; -ENODEV: there is no such adapter, or it or the unit is away; -ESHUTDOWN; -ENOMEM;
 * -ETIMEDOUT: the driver keeps it.
 */
DRY_API int dry_wmi(
	struct dry_machine *machine, unsigned adapter, struct dry_unit *unit, struct dry_wmi *wmi);

/* ---- being a processor ---- */

/*
 * Running. The calling thread becomes processor `number`, one of those that the option "claim"
 * names ("0", "0,1", "all"), as soon as what runs there lets go of it; poll runs at PASSIVE_LEVEL
 * between the machine's work until it returns false, or the machine stops. Before and after, a
 * thread of the machine's own is that processor. Several threads may be a processor each, at the
 * same time. For benches: no hand-off between threads. Inside poll, and in the done functions of
 * what was submitted there, dry_submit is the way to do I/O: such a request starts on this
 * processor, and ends where the driver completes it. -EINVAL: it was not claimed; -EBUSY: another
 * thread is it, or the caller is a processor already.
 */
DRY_API int dry_processor_run(
	struct dry_machine *machine, unsigned number, bool (*poll)(void *arg), void *arg);

/* ---- work made inside the machine ---- */

/*
 * "rw:ops=N,sizes=4k-64k,depth=D,seed=S,verify": random reads and writes by generators that are
 * kernel threads of the machine, on its first unit, checked against a model of the contents.
 * Running; waits for the end, with the option "dump" for the crash and the dump after it. 0;
 * -EINVAL (the sentence names the word); -EILSEQ: wrong data, dry_error() names the first wrong
 * byte; other errors of I/O. What was on the unit is overwritten.
 */
DRY_API int dry_workload_run(struct dry_machine *machine, const char *workload);

/* ---- what happened ---- */

#define DRY_HISTOGRAM 12 /* 1, 2, 3-4, 5-8, ... elements per list */

struct dry_summary {
	uint64_t client_read, client_written; /* bytes that the front asked for and got */
	uint64_t port_read, port_written; /* data bytes of the port's own requests (INQUIRY ...) and
					     of requests that had to be sent again */
	bool has_dma; /* the device moves data by DMA, and is seen to; without a device the driver
			 does it itself. Else the next three are 0 */
	bool has_process; /* the device lives in another process: nobody sees what it moves */
	uint64_t dma_read, dma_written; /* data bytes by device DMA: read from, written to memory */
	uint64_t dma_control;		/* bytes of rings, lists, extensions by device DMA */
	uint64_t lists_got, lists_built, lists_put;
	uint64_t elements[DRY_HISTOGRAM]; /* of lists got and built */
	uint64_t srbs, srb_errors, interrupts, dpcs;
	uint64_t latency_ns[4], latency_samples; /* p50, p90, p99, max of sampled requests */
	uint64_t violations;			 /* rules broken by the driver or its device */
	uint64_t leaks;				 /* blocks, lists, pages left at the stop */
	uint64_t run_ns;			 /* since the start */
	bool has_crashed; /* with --dump, in the middle of a workload; the rest is 0 otherwise */
	uint64_t crash_operations;		   /* of the workload that had ended */
	uint64_t crash_outstanding;		   /* requests that the miniport had */
	uint64_t dump_bytes, dump_writes, dump_ns; /* memory, requests, time: what a dump took */
	char first_violation[256];
	uint64_t device_faults; /* what a device that was made to fail did (option "fault") */
	char first_device_fault[256];
	/* accesses to registers and ports without an accessor, and how many of them were made in
	 * several parts */
	uint64_t dereferenced, dereferenced_split;
	char driver[64], device[64];
};
/* Of a running machine so far, of a stopped one the whole. Any thread. */
DRY_API void dry_machine_summary(const struct dry_machine *machine, struct dry_summary *summary);

/* How often the driver of a machine that has been started has called this routine, NULL: any of
 * those that it imports. 0 without the option count-calls. Any thread. */
DRY_API uint64_t dry_machine_calls(const struct dry_machine *machine, const char *routine);

/* ---- many replayed runs ---- */

struct dry_seeds {
	uint64_t first, count; /* seeds first, first + 1, ... */
	unsigned jobs;	       /* runs at once; 0: one for each core of the host */
	/* Whether a run's summary is that of a good run; NULL: it is, if no rule was broken. */
	bool (*judge)(const struct dry_summary *summary);
	/* After each run, NULL: nobody wants to know. */
	void (*progress)(const struct dry_seeds *seeds);

	uint64_t ran; /* from here on filled in: runs so far */
	bool has_failed;
	uint64_t failed_seed;	    /* the lowest that failed */
	char failure[1024];	    /* what was wrong with it */
	int output;		    /* a file of what it printed, the caller's to close; -1: none */
	struct dry_summary summary; /* of the failed run, else of the last */
	uint64_t restore_ns;	    /* median of what a run costs besides itself */
	uint64_t run_ns;	    /* mean of a run, start and stop included */
	uint64_t safepoints;	    /* of all runs */
};

/*
 * Runs the workload once for each seed, each on a machine as new, in a process of its own (fork:
 * the caller should have one thread), until one fails. 0 whether or not one did; -EINVAL, -ENOMEM
 * ...: the runs could not be made. Options as set; it starts and stops the machine itself.
 */
DRY_API int dry_seeds_run(struct dry_machine *machine, const char *driver, const char *workload,
	struct dry_seeds *seeds);

/* ---- devices that fail ---- */

/* The n-th kind of fault, for `dryport hw`; NULL past the end. The result is the calling thread's
 * until its next call. What a fault is: docs/faults.md. */
struct dry_fault_kind {
	const char *name;
	const char *help;
};
DRY_API const struct dry_fault_kind *dry_fault_kind_get(unsigned n);

struct dry_faults {
	uint64_t seed;
	bool pairs;	/* each single fault and each pair, else the single ones */
	uint32_t steps; /* at each of so many steps of the device, 1000 at most */
	uint32_t first; /* the earliest step of the first fault; 0 or 1: all */
	unsigned jobs;	/* as in dry_seeds, and the same for judge */
	bool (*judge)(const struct dry_summary *summary);
	/* After a run that failed: its plan, what was wrong, a file of what it printed (which is
	 * not the caller's). NULL: nobody wants to know. */
	void (*failed)(
		const struct dry_faults *faults, const char *plan, const char *failure, int output);
	void (*progress)(const struct dry_faults *faults); /* after each run, or NULL */

	uint64_t ran, failures; /* from here on filled in; a run without a fault is the first */
	uint64_t restore_ns, run_ns; /* as in dry_seeds */
};

/* Runs the workload under each plan of faults, as dry_seeds_run does for seeds, to the end; but
 * those are left out that have one fault more than a run that failed. 0 whether or not one failed.
 */
DRY_API int dry_faults_run(struct dry_machine *machine, const char *driver, const char *workload,
	struct dry_faults *faults);

/* ---- a scatter/gather list to look at ---- */

#define DRY_SGL_PAGES_MAX 4096

struct dry_sgl_page {
	uint64_t frame;	    /* frame number of the page */
	uint64_t shown;	    /* frame number that the device is given for it */
	bool is_used;	    /* the transfer touches it */
	bool is_copied;	    /* bounced: the device works on a copy */
	bool is_translated; /* by the iommu */
};

struct dry_sgl_element {
	uint64_t address, length; /* as in the list: bus address, bytes */
	uint64_t offset;	  /* of its first byte in the transfer */
};

/* A buffer and a device; 0 or NULL-terminated "" is no limit where nothing else is said. */
struct dry_sgl {
	uint32_t pages;	    /* of the buffer, 1 to DRY_SGL_PAGES_MAX */
	const char *layout; /* of its frames: contiguous, scattered, high (above 4 GiB), mixed
			     (every other page high), runs:N */
	uint64_t seed;	    /* of scattered frames */
	uint32_t offset;    /* of its first byte in the first page */
	uint64_t length;    /* bytes; 0: to the end of the last page (filled in) */
	const char *engine; /* direct, bounce, iommu */
	unsigned width;	    /* address bits of the device, 0: 64 */
	uint32_t max_elements, max_length, alignment; /* of an element: bytes */
	uint64_t boundary;			      /* that no element crosses */
	uint32_t map_registers;
	bool whole;	  /* where one page has to be copied, all are, into one run */
	bool one_element; /* the device has no scatter/gather */

	struct dry_sgl_page *page; /* from here on filled in: `pages` of them */
	struct dry_sgl_element *element;
	uint32_t element_count;
	uint32_t registers; /* map registers that it took */
	bool is_right;	    /* a device wrote through the list, and every byte arrived */
};

/* Maps the buffer as a driver's list is made. 0; -EINVAL: what is asked for is no buffer or device;
 * -ENOSPC, -EIO, -ERANGE: such a device gets no list for it; dry_error() says why. While no machine
 * is running. dry_sgl_free after success. */
DRY_API int dry_sgl_make(struct dry_sgl *sgl);
DRY_API void dry_sgl_free(struct dry_sgl *sgl);

/* ---- the export table ---- */

/* n-th routine that miniports may import: its name, and its module in *module; NULL past the end.
 */
DRY_API const char *dry_export_get(unsigned n, const char **module);

/* Calls tell(name, arg) for each routine that a miniport's object imports and this library lacks.
 * How many, or -errno as dry_machine_start. While no machine is running. */
DRY_API int dry_missing_tell(
	const char *driver, void (*tell)(const char *name, void *arg), void *arg);

#ifdef __cplusplus
}
#endif

#endif
