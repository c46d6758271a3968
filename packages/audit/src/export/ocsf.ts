// Records as OCSF events, one a line, for a SIEM: API Activity (6003) with the `ai_operation` profile (ai_agent,
// ai_model), and Detection Finding (2004) for alerts. What the schema has no field for is under `unmapped`.
import type { Found } from '../read/search.ts';
import type { AuditRecord } from '../record/record.ts';

const VERSION = '1.9.0-dev';
const API_ACTIVITY = 6003;
const DETECTION_FINDING = 2004;

/** Activities of API Activity: what the operator's tool classes say the call does; 99 is "other", 0 "unknown". */
function activity(record: AuditRecord): number {
  const classes = record.tool?.classes ?? [];
  if (classes.includes('destructive')) return 4;
  if (classes.includes('write') || classes.includes('money') || classes.includes('identity')) return 3;
  if (classes.includes('egress')) return 1;
  if (classes.includes('read')) return 2;
  return record.tool === undefined ? 99 : 0;
}

/** A record as an OCSF event. */
export function ocsfEvent(found: Found, origin: string): Record<string, unknown> {
  return found.record.kind === 'alert' ? finding(found, origin) : apiActivity(found, origin);
}

function finding({ index, record }: Found, origin: string): Record<string, unknown> {
  return {
    activity_id: 1,
    category_uid: 2,
    class_uid: DETECTION_FINDING,
    type_uid: DETECTION_FINDING * 100 + 1,
    time: record.at,
    severity_id: 4,
    status_id: 1,
    metadata: metadata(index, record, origin),
    finding_info: {
      uid: `${origin}/${index}`,
      title: record.alert?.detector ?? 'alert',
      desc: record.reason,
      related_events: record.alert?.evidence?.map((i) => ({ uid: `${origin}/${i}` })),
    },
    ...agent(record),
    unmapped: { record },
  };
}

function apiActivity({ index, record }: Found, origin: string): Record<string, unknown> {
  const refused = record.kind === 'decision' && record.code !== 'allowed';
  const failed = refused || (record.result !== undefined && record.result.status !== 'ok');
  const activityId = activity(record);
  return {
    activity_id: activityId,
    category_uid: 6,
    class_uid: API_ACTIVITY,
    type_uid: API_ACTIVITY * 100 + activityId,
    time: record.at,
    severity_id: refused ? 3 : 1,
    status_id: failed ? 2 : 1,
    ...(failed
      ? {
          status_code: record.code ?? record.result?.status,
          status_detail: record.reason ?? record.result?.error,
        }
      : {}),
    metadata: metadata(index, record, origin),
    actor: actor(record),
    api: {
      operation: record.tool?.name ?? record.kind,
      service: { name: record.token?.audience ?? record.by ?? origin },
      request: { uid: record.call ?? `${origin}/${record.of ?? index}` },
    },
    src_endpoint: { name: record.by ?? origin },
    ...agent(record),
    unmapped: { record },
  };
}

const metadata = (index: number, record: AuditRecord, origin: string): Record<string, unknown> => ({
  version: VERSION,
  product: { name: 'Ambit', vendor_name: 'Ambit', feature: { name: 'audit' } },
  profiles: ['ai_operation'],
  log_name: origin,
  uid: `${origin}/${index}`,
  sequence: index,
  ...(record.trace === undefined ? {} : { correlation_uid: record.trace }),
});

/** The user the agent works for, and the session. */
const actor = ({ user, operator, session }: AuditRecord): Record<string, unknown> => ({
  ...(user === undefined
    ? {}
    : { user: { name: user, org: operator === undefined ? undefined : { name: operator.name } } }),
  ...(session === undefined ? {} : { session: { uid: session } }),
});

/** The agent and its model, by the profile `ai_operation`. */
function agent(record: AuditRecord): Record<string, unknown> {
  const holder = record.token?.chain?.at(-1);
  return {
    ai_agent: {
      name: record.agent ?? holder?.label ?? 'unknown',
      uid: holder?.holder ?? 'unknown',
      ...(record.session === undefined ? {} : { instance_uid: record.session }),
    },
    ...(record.model === undefined
      ? {}
      : { ai_model: { name: record.model.name, uid: record.model.digest } }),
  };
}

/** One line, without its newline. */
export const ocsfLine = (found: Found, origin: string): string => JSON.stringify(ocsfEvent(found, origin));
