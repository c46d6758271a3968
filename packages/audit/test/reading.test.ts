// Reading a log: search, tail, trace, receipts, exports, the home's log, and the report in a browser.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { exportLines } from '../src/export/export.ts';
import { homeHead, homePaths, homeVerifier, openHome } from '../src/home.ts';
import { verifyProof } from '../src/note/proof.ts';
import { unverifiedToken } from '../src/record/from-token.ts';
import type { Draft } from '../src/record/record.ts';
import { Recorder } from '../src/record/recorder.ts';
import { prove } from '../src/read/prove.ts';
import { search, type Found, type Query } from '../src/read/search.ts';
import { openReader, tail } from '../src/read/tail.ts';
import { trace, traceLines } from '../src/read/trace.ts';
import { verifyLog } from '../src/read/verify.ts';
import { htmlReport } from '../src/report/report.ts';
import { directorySource } from '../src/tile/source.ts';
import { base, decision, digestOf, drafts, hexOf } from './sample.ts';
import { openAt, scratch, testSigner } from './scratch.ts';
import { chromium as CHROMIUM } from '../../../test/chromium.ts';

const root = scratch();
const source = directorySource(join(root, 'log'));
const HOSTILE = `</style></td><script>document.title='pwned'</script><img src=x onerror="document.title='pwned'">&quot;'"`;
const hour = 3_600_000;
const begin = Date.parse('2026-11-23T08:00:00Z');

/** Ten sessions an hour apart, then one with everything: parent calls, approval, outcome, revocation, alert, hostile text. */
beforeAll(async () => {
  let now = begin;
  const log = await openAt(root);
  const recorder = await Recorder.open(log, { by: 'guard-1', nowMs: () => (now += 1000) });
  for (let i = 0; i < 60; i++) {
    now = begin + i * hour;
    for (const draft of drafts(`session-${i}`)) await recorder.record(draft);
  }
  now = begin + 60 * hour;
  const session = 'incident';
  await recorder.record({ ...base(session), kind: 'session', event: { name: 'open' } });
  await recorder.record({
    ...base(session),
    kind: 'mint',
    token: { ...base(session).token, chain: [base(session).token!.chain![0]!] },
  });
  await recorder.record({ ...base(session), kind: 'delegate' });
  const outer = await recorder.record({
    ...decision(session, 1),
    tool: { name: 'research', classes: ['read'] },
  });
  await recorder.record({
    kind: 'ingest',
    session,
    ingest: { source: 'https://evil.example/', trust: 'untrusted', bytes: 99 },
  });
  const inner = await recorder.record({
    ...decision(session, 2),
    parent: outer.index,
    trace: hexOf('t').slice(0, 32),
    span: hexOf('s').slice(0, 16),
    call: 'call-7',
  });
  await recorder.record({
    kind: 'approval',
    session,
    of: inner.index,
    approval: { person: 'grace', granted: true },
  });
  await recorder.record({
    kind: 'outcome',
    session,
    of: inner.index,
    result: { status: 'ok', digest: digestOf('r'), bytes: 17, milliseconds: 12 },
  });
  await recorder.record({
    kind: 'revocation',
    revocation: { target: 'node', id: base(session).token!.chain![1]!.node },
    reason: 'incident',
  });
  await recorder.record({
    kind: 'alert',
    session,
    alert: {
      detector: 'flow.exfiltration',
      score: 981,
      action: 'narrowed',
      evidence: [outer.index, inner.index],
    },
    reason: HOSTILE,
  });
  const hostile: Draft = {
    ...decision(session, 3),
    tool: { name: HOSTILE.slice(0, 250) },
    code: 'tool_invalid',
    reason: HOSTILE,
    agent: `agent ${HOSTILE}`,
    args: { destinations: [HOSTILE] },
  };
  await recorder.record(hostile);
  await recorder.record({
    kind: 'decision',
    code: 'token_invalid',
    token: unverifiedToken('amb1_forged', 'k9'),
    tool: { name: 'mail.send' },
  });
  await recorder.close();
});
const all = async (query: Query): Promise<Found[]> => {
  const { reader } = await openReader(source, testSigner.verifier);
  const found: Found[] = [];
  for await (const one of search(reader, query)) found.push(one);
  return found;
};

describe('search', () => {
  it('by session, agent, user, operator, model and its digest, tool, code, kind, token, time', async () => {
    expect((await all({ session: 'session-7' })).length).toBe(6);
    expect((await all({ agent: 'research-helper', session: 'session-7' })).length).toBe(5);
    expect((await all({ agent: digestOf('planner key') })).length).toBe(60 * 5 + 6);
    expect((await all({ user: 'ada@acme.example', code: 'flow_refused' })).length).toBe(60);
    expect((await all({ user: 'ada@acme' })).length).toBe(0);
    expect(
      (
        await all({
          operator: 'acme',
          model: 'acme/planner-7b',
          modelDigest: hexOf('model'),
          tool: 'web.fetch',
        })
      ).length,
    ).toBe(60);
    expect((await all({ code: 'token_invalid' })).length).toBe(61);
    expect((await all({ kind: 'session', limit: 5 })).length).toBe(5);
    expect((await all({ token: base('incident').token!.chain![1]!.node })).length).toBe(5);
    expect((await all({ token: hexOf('session-3').slice(0, 32) })).length).toBe(5);
    const day = await all({ since: begin + 24 * hour, until: begin + 25 * hour });
    expect(day.map(({ record }) => record.session ?? 'none')).toEqual([
      ...Array.from({ length: 5 }, () => 'session-24'),
      'none',
      'session-24',
    ]);
    expect((await all({ since: begin + 1000 * hour })).length).toBe(0);
  });
});

describe('tail', () => {
  it('shows the last records, follows what comes, and notices a log that no longer continues', async () => {
    const place = scratch();
    const log = await openAt(place);
    const recorder = await Recorder.open(log);
    for (const draft of drafts('s')) await recorder.record(draft);
    await log.checkpoint();
    const seen: number[] = [];
    const follow = tail({
      source: directorySource(join(place, 'log')),
      log: testSigner.verifier,
      last: 3,
      interval: 10,
    });
    for (let i = 0; i < 3; i++) seen.push(((await follow.next()).value as Found).index);
    const next = follow.next();
    await recorder.record(decision('t', 1));
    await log.checkpoint();
    seen.push(((await next).value as Found).index);
    expect(seen).toEqual([4, 5, 6, 7]);
    const older = readFileSync(join(root, 'log/checkpoint'));
    writeFileSync(join(place, 'log/checkpoint'), older);
    await expect(follow.next()).rejects.toMatchObject({ code: 'audit_corrupt' });
    await recorder.close();
  });
});

describe('L5 trace', () => {
  it('leads from an action to user, operator, model, session and each delegation', async () => {
    const { reader } = await openReader(source, testSigner.verifier);
    const [found] = await all({ session: 'incident', kind: 'outcome' });
    const lines = traceLines((await trace(reader, found!.index))!);
    expect(lines.join('\n')).toMatchInlineSnapshot(`
      "user      ada@acme.example (allowed)
      operator  acme (allowed), configuration b79606fb3a…
      model     acme/planner-7b (allowed), artifact 9372c470ee…
      session   incident (allowed)
      token to first holder key kZNaXBGq0J…, node c7VneszC3u…, record 421
        └ delegated to research-helper key xByh1BC6Hq…, node wFcgOEGRge…, record 422
      within    record 423: research
      after     record 424: untrusted content from https://evil.example/
      action    record 425: decision mail.send: allowed
                record 426: approval 
                record 427: outcome ok"
    `);
    expect(await trace(reader, 0)).toMatchObject({ chain: [{}, { label: 'research-helper' }], parents: [] });
    await expect(trace(reader, 1_000_000)).rejects.toThrow(RangeError);
  });
});

describe('prove', () => {
  it('makes a receipt from the files alone', async () => {
    const { reader } = await openReader(source, testSigner.verifier);
    const text = await prove(source, testSigner.verifier, 100);
    expect(verifyProof(text, await reader.entry(100), testSigner.verifier)).toMatchObject({
      ok: true,
      index: 100,
    });
    await expect(prove(source, testSigner.verifier, 1e6)).rejects.toThrow(RangeError);
  });
});

describe('exports', () => {
  const lines = async (form: 'jsonl' | 'otel' | 'ocsf'): Promise<Record<string, unknown>[]> => {
    const { reader } = await openReader(source, testSigner.verifier);
    const out: Record<string, unknown>[] = [];
    for await (const line of exportLines(reader, form, testSigner.verifier.name, { session: 'incident' }))
      out.push(JSON.parse(line) as Record<string, unknown>);
    return out;
  };

  it('JSON lines hold the whole record', async () => {
    const records = await lines('jsonl');
    expect(records.length).toBe(10);
    expect(records[5]).toMatchObject({
      kind: 'decision',
      code: 'allowed',
      tool: { name: 'mail.send' },
      time: expect.stringMatching(/^2026-11-25T/) as unknown,
    });
  });

  it('OpenTelemetry logs carry the GenAI attributes', async () => {
    const call = (await lines('otel'))[5] as unknown as {
      resourceLogs: [
        {
          scopeLogs: [
            {
              logRecords: [
                { traceId: string; timeUnixNano: string; attributes: { key: string; value: object }[] },
              ];
            },
          ];
        },
      ];
    };
    const [record] = call.resourceLogs[0].scopeLogs[0].logRecords;
    const attributes = Object.fromEntries(
      record.attributes.map(({ key, value }) => [key, Object.values(value)[0] as unknown]),
    );
    expect(attributes).toMatchObject({
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'mail.send',
      'gen_ai.tool.call.id': 'call-7',
      'gen_ai.agent.name': 'research-helper',
      'gen_ai.conversation.id': 'incident',
      'ambit.decision.code': 'allowed',
    });
    expect(record.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(record.timeUnixNano).toMatch(/^[0-9]{19}$/);
  });

  it('OCSF events have their required parts, and alerts are findings', async () => {
    const events = await lines('ocsf');
    for (const event of events) {
      expect(event).toMatchObject({
        time: expect.any(Number) as unknown,
        metadata: { version: '1.9.0-dev', profiles: ['ai_operation'] },
        ai_agent: { uid: expect.any(String) as unknown },
      });
      expect(event['type_uid']).toBe(Number(event['class_uid']) * 100 + Number(event['activity_id']));
    }
    expect(events[5]).toMatchObject({
      class_uid: 6003,
      status_id: 1,
      api: { operation: 'mail.send' },
      ai_model: { name: 'acme/planner-7b' },
    });
    expect(events.find((event) => event['class_uid'] === 2004)).toMatchObject({
      finding_info: { title: 'flow.exfiltration' },
    });
    expect(events.at(-1)).toMatchObject({ status_id: 2, status_code: 'tool_invalid' });
  });
});

describe('the log of a home', () => {
  it('is begun with its key, taken up by each command, verified without arguments, and missed when it vanishes', async () => {
    const home = scratch();
    await expect(homeVerifier(home)).rejects.toMatchObject({ code: 'file_missing' });
    for (let i = 0; i < 3; i++) {
      const recorder = await openHome(home, { origin: 'laptop.example/ambit' });
      expect((await recorder.record(decision('s', i))).index).toBe(i);
      await recorder.close();
    }
    const paths = homePaths(home);
    expect(statSync(paths.key).mode & 0o777).toBe(0o600);
    const report = await verifyLog({
      directory: paths.directory,
      log: await homeVerifier(home),
      head: homeHead(home),
    });
    expect(report).toMatchObject({ ok: true, size: 3, origin: 'laptop.example/ambit' });
    const both = await Promise.all(
      [0, 1].map(async (i) => {
        const recorder = await openHome(home);
        const { index } = await recorder.record(decision('s', i));
        await recorder.close();
        return index;
      }),
    );
    expect(both.toSorted()).toEqual([3, 4]);
    rmSync(paths.directory, { recursive: true });
    rmSync(paths.head);
    await expect(openHome(home)).rejects.toMatchObject({ code: 'file_missing' });
  });
});

describe('the report', () => {
  const make = async (sound: boolean): Promise<string> => {
    const { reader, checkpoint } = await openReader(source, testSigner.verifier);
    const verified = await verifyLog({ directory: join(root, 'log'), log: testSigner.verifier });
    const problem = {
      where: 'tile/entries/000',
      index: 7,
      what: `entry 7 is not the one that was logged ${HOSTILE}`,
    };
    return htmlReport({
      reader,
      origin: checkpoint.origin,
      verified: sound ? verified : { ...verified, ok: false, problems: [problem] },
      now: begin + 70 * hour,
    });
  };

  it('holds no script, no handler, no request, and a policy that would allow none', async () => {
    const page = await make(true);
    expect(page).toContain(`default-src 'none'; style-src 'sha256-`);
    expect(page).not.toMatch(
      /<script|<img|<link|<iframe|javascript:|\sstyle="|url\(|@import|\b(?:src|srcset)\s*=\s*"/i,
    );
    // No tag has an attribute that begins with "on": hostile text is text.
    for (const [tag] of page.matchAll(/<[a-z][^>]*>/gi)) expect(tag).not.toMatch(/\son[a-z]+\s*=/i);
    expect(page).toContain('&lt;script&gt;');
  });

  it.skipIf(CHROMIUM === undefined)(
    `in headless Chromium, offline: tree, timeline, refusals, integrity; hostile records stay text${CHROMIUM === undefined ? ' (skipped: no Chromium on PATH)' : ''}`,
    async () => {
      const { chromium } = await import('playwright-core');
      const profile = mkdtempSync(join(tmpdir(), 'ambit-chromium-'));
      const browser = await chromium.launchPersistentContext(profile, {
        executablePath: CHROMIUM!,
        headless: true,
        offline: true,
        viewport: { width: 1100, height: 900 },
        args: [
          '--no-sandbox',
          '--disable-gpu',
          '--disable-quic',
          '--no-first-run',
          '--disable-background-networking',
          '--disable-component-update',
          '--disable-sync',
        ],
      });
      try {
        const page = await browser.newPage();
        const said: string[] = [];
        const asked: string[] = [];
        page.on('console', (message) => said.push(message.text()));
        page.on('request', (request) => asked.push(request.url()));
        const file = join(profile, 'report.html');
        writeFileSync(file, await make(true));
        await page.goto(`file://${file}`);
        expect(await page.title()).toBe(`Audit report: ${testSigner.verifier.name}`);
        expect(await page.locator('#integrity').innerText()).toContain('The log is whole');
        expect(await page.locator('.tree > li').count()).toBe(61);
        expect(await page.locator('.tree .dead').innerText()).toContain('revoked');
        expect(await page.locator('svg rect.refused').count()).toBeGreaterThan(100);
        expect(await page.locator('h2#refusals ~ table').first().innerText()).toContain(
          'Decided by caveat 3 (flow).',
        );
        const rows = page.locator('.timeline tbody tr:visible');
        const before = await rows.count();
        await page.locator('#only-refused').check();
        expect(await rows.count()).toBeLessThan(before / 2);
        if (process.env['AMBIT_SHOT'] !== undefined) {
          await page.locator('#all').check();
          await page.evaluate('window.scrollTo(0, document.body.scrollHeight)');
          await page.screenshot({ path: `${process.env['AMBIT_SHOT']}-end.png` });
          await page.evaluate('window.scrollTo(0, 0)');
          await page.screenshot({ path: `${process.env['AMBIT_SHOT']}.png` });
          await page.locator('#refusals').scrollIntoViewIfNeeded();
          await page.screenshot({ path: `${process.env['AMBIT_SHOT']}-middle.png` });
        }
        writeFileSync(file, await make(false));
        await page.reload();
        expect(await page.locator('#integrity').innerText()).toContain('damaged or changed');
        expect(await page.locator('#integrity table').innerText()).toContain('<script>');
        expect(await page.title()).not.toBe('pwned');
        expect(await page.locator('script, img').count()).toBe(0);
        expect(asked.filter((url) => !url.startsWith('file:'))).toEqual([]);
        expect(said).toEqual([]);
      } finally {
        await browser.close();
        rmSync(profile, { recursive: true, force: true });
      }
    },
  );
});
