/** `npm start`: what it claims on the screen is what the journal and the ledger hold. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { readLedger } from '../../examples/start/ledger.ts'
import { PersistentCodeAgent, sqliteStore, type Entry, type EntryKind } from '../../src/index.ts'
import { GENESIS } from '../../src/journal/envelope.ts'
import { readEntries } from '../../src/run/recover.ts'
import { linesWith, runExample } from './run-example.ts'

// Each is a few processes; a machine may be busy.
vi.setConfig({ testTimeout: 120_000 })

const folders: string[] = []
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })))

function newFolder(): { readonly folder: string; readonly storagePath: string; readonly ledger: string } {
  const folder = mkdtempSync(join(tmpdir(), 'start-test-'))
  folders.push(folder)
  return { folder, storagePath: join(folder, 'agent_state.db'), ledger: join(folder, 'ledger.jsonl') }
}

async function entriesOf(storagePath: string, runId: string): Promise<readonly Entry[]> {
  await using store = sqliteStore(storagePath, { readOnly: true })
  return (await readEntries(store, runId, 0, GENESIS)).entries
}

test('the job survives a kill in a call and an approval in a loop, and says so', async () => {
  const { folder, storagePath, ledger } = newFolder()
  const { code, out, err } = await runExample('start.ts', { PCA_EXAMPLE_DIR: folder })
  expect({ code, err }).toEqual({ code: 0, err: '' })

  // It is told to a newcomer.
  expect(out).not.toContain('\u001B')
  expect(out).toContain('A scripted model stands in for a real one')
  expect(out).toContain('The process is dead (SIGKILL)')
  expect(out.match(/Resumed from (snapshot|replay) in \d+ ms/g)).toHaveLength(2)
  expect(linesWith(out, '> 18')).toEqual([expect.stringContaining('await bookPayment({')])
  expect(linesWith(out, '> 11')).toEqual([expect.stringContaining('await correctInvoice({')])
  expect(out).toContain('Correct invoice 2026-1007 from 1190.00 to 1109.00?')
  expect(out).toContain('There is no terminal to ask at, so the default answer is taken: approve.')
  expect(out).toContain('11 of 12 invoices booked, 10933.60 in total')
  expect(out).toContain('corrected: 2026-1007')
  expect(out).toContain('not paid: 2026-1011')
  expect(out).toContain('for no invoice of this month: 2025-0871')
  expect(out).toContain('Both agree: 14 calls, one result each.')

  // Three processes drove it, and the one that was killed is named.
  const pids = [...out.matchAll(/Process (\d+) drives it/g)].map(([, pid]) => Number(pid))
  expect(new Set(pids).size).toBe(3)
  expect(out).toContain(`2. kill -9 ${pids[0]}`)

  // The journal: every call has one result; one was sent twice under one key.
  const [run] = await PersistentCodeAgent.runs(storagePath)
  expect(run).toMatchObject({ status: 'completed', stepCount: 3, questions: 0 })
  const entries = await entriesOf(storagePath, run?.runId ?? '')
  const of = <Kind extends EntryKind>(kind: Kind): readonly Extract<Entry, { kind: Kind }>[] =>
    entries.filter((entry): entry is Extract<Entry, { kind: Kind }> => entry.kind === kind)
  const requested = of('call-requested').map((entry) => entry.call)
  expect(
    of('call-returned')
      .map((entry) => entry.call)
      .toSorted(),
  ).toEqual(requested.toSorted())
  expect(of('segment-started').map((entry) => entry.heap)).toEqual([
    'fresh',
    expect.stringMatching(/^(snapshot|replay)$/),
    'snapshot',
  ])
  const again = of('call-started').filter((entry) => entry.attempt > 1)
  expect(again).toHaveLength(1)

  // The ledger agrees: the keys that arrived are those that the journal minted, as often, and each had one effect.
  const lines = readLedger(ledger)
  const posting = new Set(
    of('call-requested').flatMap((it) => (it.effect === 'keyed' || it.effect === 'once' ? [it.call] : [])),
  )
  const sent = of('call-started').flatMap((entry) => (posting.has(entry.call) ? [entry.key] : []))
  expect(lines.flatMap((line) => (line.event === 'started' ? [line.key] : []))).toEqual(sent)
  expect(lines.flatMap((line) => (line.event === 'done' ? [line.key] : []))).toEqual([...new Set(sent)])
  const arrivals = lines.filter((line) => line.event === 'started' && line.key === again[0]?.key)
  expect(arrivals.map((line) => line.invoice)).toEqual(['2026-1004', '2026-1004'])
  expect(arrivals.map((line) => line.pid)).toEqual(pids.slice(0, 2))

  // The table on the screen says the same.
  const row = linesWith(out, again[0]?.key ?? '?')
  expect(row[0]?.trim().split(/ +/)).toEqual([
    again[0]?.call,
    'bookPayment',
    'keyed',
    '2',
    '1',
    '2',
    '1',
    again[0]?.key,
  ])
})

test('Ctrl-C leaves a run that can be resumed, and says how; the next start begins afresh, in colour for who wants it', async () => {
  const { folder, storagePath, ledger } = newFolder()
  let sent = false
  const { code, out, err } = await runExample('start.ts', { PCA_EXAMPLE_DIR: folder }, (soFar, kill) => {
    if (sent || !soFar.includes('Step 1')) return
    sent = true
    kill('SIGINT')
  })
  expect({ code, err }).toEqual({ code: 130, err: '' })
  const [run] = await PersistentCodeAgent.runs(storagePath)
  expect(run?.status).toMatch(/^(paused|running)$/)
  expect(out).toContain('Nothing is lost')
  expect(out).toContain(`pca -- resume ${run?.runId} --store ${storagePath} --agent examples/start/agent.ts`)

  const second = await runExample('start.ts', { PCA_EXAMPLE_DIR: folder, FORCE_COLOR: '1' })
  expect(second.code).toBe(0)
  expect(second.out).toContain('\u001B[')
  const runs = await PersistentCodeAgent.runs(storagePath)
  expect(runs.map((it) => it.status)).toEqual(['completed'])
  expect(runs[0]?.runId).not.toBe(run?.runId)
  expect(existsSync(ledger)).toBe(true)
})
