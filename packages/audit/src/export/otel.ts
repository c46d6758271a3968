// Records as OpenTelemetry logs (OTLP/JSON, one ExportLogsServiceRequest a line, as the collector's file receiver reads
// them) with the GenAI semantic conventions: execute_tool, gen_ai.tool.*, gen_ai.agent.*, gen_ai.conversation.id. What
// they have no name for is under `ambit.`. Arguments and results are never content, only digests.
import type { Found } from '../read/search.ts';
import type { AuditRecord } from '../record/record.ts';

type Attribute = {
  readonly key: string;
  readonly value:
    { readonly stringValue: string } | { readonly intValue: string } | { readonly boolValue: boolean };
};

const attribute = (key: string, value: string | number | boolean | undefined): Attribute[] => {
  if (value === undefined) return [];
  if (typeof value === 'string') return [{ key, value: { stringValue: value } }];
  return [{ key, value: typeof value === 'number' ? { intValue: String(value) } : { boolValue: value } }];
};

/** The attributes of a record by the GenAI conventions. */
export function genAiAttributes({ index, record }: Found): Attribute[] {
  const { tool, token, args, result, ingest, alert } = record;
  const failed =
    record.kind === 'decision' && record.code !== 'allowed'
      ? record.code
      : result?.status === 'ok'
        ? undefined
        : result?.status;
  return [
    ...attribute('gen_ai.operation.name', tool === undefined ? undefined : 'execute_tool'),
    ...attribute('gen_ai.tool.name', tool?.name),
    ...attribute('gen_ai.tool.type', tool === undefined ? undefined : 'function'),
    ...attribute('gen_ai.tool.call.id', record.call),
    ...attribute('gen_ai.agent.name', record.agent),
    ...attribute('gen_ai.agent.id', token?.chain?.at(-1)?.holder),
    ...attribute('gen_ai.request.model', record.model?.name),
    ...attribute('gen_ai.conversation.id', record.session),
    ...attribute('gen_ai.data_source.id', ingest?.source),
    ...attribute('error.type', failed),
    ...attribute('enduser.id', record.user),
    ...attribute('ambit.record.index', index),
    ...attribute('ambit.record.kind', record.kind),
    ...attribute('ambit.record.of', record.of),
    ...attribute('ambit.enforcement_point', record.by),
    ...attribute('ambit.operator.name', record.operator?.name),
    ...attribute('ambit.operator.config', record.operator?.config),
    ...attribute('ambit.model.digest', record.model?.digest),
    ...attribute('ambit.decision.code', record.code),
    ...attribute('ambit.decision.reason', record.reason),
    ...attribute('ambit.decision.caveat', record.caveat),
    ...attribute('ambit.proof', record.proof),
    ...attribute('ambit.token.id', token?.id),
    ...attribute('ambit.token.node', token?.chain?.at(-1)?.node),
    ...attribute('ambit.token.digest', token?.digest),
    ...attribute('ambit.token.unverified', token?.unverified),
    ...attribute('ambit.args.digest', args?.digest),
    ...attribute('ambit.result.digest', result?.digest),
    ...attribute('ambit.ingest.trust', ingest?.trust),
    ...attribute('ambit.alert.detector', alert?.detector),
    ...attribute('ambit.alert.score', alert?.score),
  ];
}

/** Severity numbers of the OpenTelemetry log data model: INFO, WARN, ERROR. */
function severity(record: AuditRecord): { number: number; text: string } {
  if (record.kind === 'alert') return { number: 17, text: 'ERROR' };
  return record.kind === 'decision' && record.code !== 'allowed'
    ? { number: 13, text: 'WARN' }
    : { number: 9, text: 'INFO' };
}

/** One line of OTLP/JSON, without its newline. `origin` names the log. */
export function otelLine(found: Found, origin: string): string {
  const { record } = found;
  const { number, text } = severity(record);
  const nanoseconds = `${record.at}000000`;
  return JSON.stringify({
    resourceLogs: [
      {
        resource: {
          attributes: [...attribute('service.name', 'ambit'), ...attribute('ambit.log.origin', origin)],
        },
        scopeLogs: [
          {
            scope: { name: '@ambit/audit' },
            logRecords: [
              {
                timeUnixNano: nanoseconds,
                observedTimeUnixNano: nanoseconds,
                severityNumber: number,
                severityText: text,
                eventName: `ambit.${record.kind}`,
                body: {
                  stringValue: [record.kind, record.tool?.name, record.code ?? record.result?.status]
                    .filter((word) => word !== undefined)
                    .join(' '),
                },
                attributes: genAiAttributes(found),
                ...(record.trace === undefined ? {} : { traceId: record.trace }),
                ...(record.span === undefined ? {} : { spanId: record.span }),
              },
            ],
          },
        ],
      },
    ],
  });
}
