/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Performance options, start-I/O parameters, the processor and the counter, for miniports. */
#define DRY_MODULE "storport.sys"
#include "storport/extended.h"
#include "storport/os_table.h"
#include "nt/nt.h"

/* NO_SGL is not offered, as viostor accepts it and then fails every request without a list
 * (contract 8); who asks for it by itself gets it. */
#define PERF_OFFERED                                                                               \
	(STOR_PERF_DPC_REDIRECTION | STOR_PERF_CONCURRENT_CHANNELS |                               \
		STOR_PERF_INTERRUPT_MESSAGE_RANGES | STOR_PERF_ADV_CONFIG_LOCALITY |               \
		STOR_PERF_OPTIMIZE_FOR_COMPLETION_DURING_STARTIO |                                 \
		STOR_PERF_DPC_REDIRECTION_CURRENT_CPU)

/* Where the device and the messages of the range are: PERF_CONFIGURATION_DATA's page. The array is
 * as long as the range, of which an adapter may have a part. */
static void locality_tell(const struct stor_adapter *adapter, PPERF_CONFIGURATION_DATA data)
{
	unsigned first = data->FirstRedirectionMessageNumber;
	unsigned last = data->LastRedirectionMessageNumber;

	data->DeviceNode = 0;
	for (unsigned n = first; data->MessageTargets && n <= last && n < adapter->messages; n++)
		data->MessageTargets[n - first] = (GROUP_AFFINITY){
			.Mask = 1ull << stor_message_processor(adapter, n),
		};
}

/* Flags that must not be set without others: PERF_CONFIGURATION_DATA's page. */
static bool is_complete(ULONG flags)
{
	static const struct {
		ULONG flag, needs;
	} rules[] = {
		{STOR_PERF_INTERRUPT_MESSAGE_RANGES, STOR_PERF_DPC_REDIRECTION},
		{STOR_PERF_ADV_CONFIG_LOCALITY,
			STOR_PERF_INTERRUPT_MESSAGE_RANGES | STOR_PERF_DPC_REDIRECTION},
		{STOR_PERF_OPTIMIZE_FOR_COMPLETION_DURING_STARTIO, STOR_PERF_DPC_REDIRECTION},
		{STOR_PERF_DPC_REDIRECTION_CURRENT_CPU, STOR_PERF_DPC_REDIRECTION},
	};

	for (size_t n = 0; n < array_size(rules); n++)
		if (flags & rules[n].flag && ~flags & rules[n].needs)
			return false;
	return true;
}

ULONG stor_initialize_perf(struct stor_adapter *adapter, struct stor_call *args)
{
	BOOLEAN query = (BOOLEAN)stor_arg(args, int);
	PPERF_CONFIGURATION_DATA data = stor_arg(args, PPERF_CONFIGURATION_DATA);
	ULONG offered;

	if (!data) {
		nt_violation(0,
			"StorPortInitializePerfOpts: PerfConfigData is NULL (StorPortPerfOpts).");
		return STOR_STATUS_INVALID_PARAMETER;
	}
	/* HwInitialize or passive initialisation */
	if (adapter->hba.phase != PORT_HBA_INITIALIZING &&
		adapter->hba.phase != PORT_HBA_PASSIVE_INITIALIZING)
		return STOR_STATUS_UNSUCCESSFUL;
	if (data->Version < 1 || data->Version > STOR_PERF_VERSION)
		return STOR_STATUS_UNSUPPORTED_VERSION;
	offered = PERF_OFFERED & stor_os_perf_flags(data->Version);
	if (query) {
		data->Flags = offered;
		data->ConcurrentChannels = cpu_count();
		data->FirstRedirectionMessageNumber = 0;
		data->LastRedirectionMessageNumber = adapter->messages ? adapter->messages - 1 : 0;
		return STOR_STATUS_SUCCESS;
	}
	offered = (PERF_OFFERED | STOR_PERF_NO_SGL) & stor_os_perf_flags(data->Version);
	if (data->Flags & ~offered || !is_complete(data->Flags))
		return STOR_STATUS_UNSUCCESSFUL;
	/* Where RequestComplete is called is where it is finished, unless somebody redirects. */
	atomic_store(&adapter->hba.port.redirects,
		data->Flags & STOR_PERF_DPC_REDIRECTION &&
			!(data->Flags & STOR_PERF_DPC_REDIRECTION_CURRENT_CPU));
	if (data->Flags & STOR_PERF_NO_SGL) /* SG-36 */
		port_adapter_no_lists(&adapter->hba.port);
	if (data->Flags & STOR_PERF_INTERRUPT_MESSAGE_RANGES)
		stor_messages_redirect(adapter, data->FirstRedirectionMessageNumber,
			data->LastRedirectionMessageNumber);
	if (data->Flags & STOR_PERF_ADV_CONFIG_LOCALITY)
		locality_tell(adapter, data);
	/* Half duplex knows one channel only (LK-7). */
	adapter->channels = data->Flags & STOR_PERF_CONCURRENT_CHANNELS && adapter->full_duplex
				    ? data->ConcurrentChannels
				    : 0;
	adapter->concurrent = adapter->channels > 1 || stor_is_virtual(adapter);
	stor_start_settle(adapter);
	return STOR_STATUS_SUCCESS;
}

ULONG stor_get_startio_perf(struct stor_adapter *adapter, struct stor_call *args)
{
	struct port_request *request = port_request_find(&adapter->hba.port, stor_arg(args, PVOID));
	PSTARTIO_PERFORMANCE_PARAMETERS parameters =
		stor_arg(args, PSTARTIO_PERFORMANCE_PARAMETERS);
	unsigned channels = max_of(adapter->channels, 1u);

	if (!request || !parameters)
		return STOR_STATUS_INVALID_PARAMETER;
	parameters->ChannelNumber = cpu_self->number % channels;
	parameters->MessageNumber = stor_processor_message(adapter, cpu_self->number);
	return STOR_STATUS_SUCCESS;
}

ULONG stor_get_processor_number(struct stor_adapter *adapter, struct stor_call *args)
{
	PPROCESSOR_NUMBER number = stor_arg(args, PPROCESSOR_NUMBER);

	if (!number)
		return STOR_STATUS_INVALID_PARAMETER;
	number->Group = 0;
	number->Number = cpu_self->number;
	number->Reserved = 0;
	return STOR_STATUS_SUCCESS;
}

ULONG stor_query_counter(struct stor_adapter *adapter, struct stor_call *args)
{
	PLARGE_INTEGER frequency = stor_arg(args, PLARGE_INTEGER);
	PLARGE_INTEGER counter = stor_arg(args, PLARGE_INTEGER);
	LARGE_INTEGER rate;

	if (!counter)
		return STOR_STATUS_INVALID_PARAMETER;
	*counter = KeQueryPerformanceCounter(&rate);
	if (frequency)
		*frequency = rate;
	return STOR_STATUS_SUCCESS;
}
