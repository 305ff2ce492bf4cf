/** `npm run states`: drives the cases until they rest, and keeps the state file, named by the format of today. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { constants, zstdCompressSync } from 'node:zlib'
import { PersistentCodeAgent, sqliteStore, type Store } from '../../../src/index.ts'
import { createRun } from '../../../src/run/begin.ts'
import { Run } from '../../../src/run/run.ts'
import { scriptedModel } from '../../../src/testing.ts'
import { CASES, FORMAT, runIdOf, tools, type Case } from './cases.ts'

const dir = mkdtempSync(join(tmpdir(), 'states-'))
const path = join(dir, 'state.db')
for (const [name, given] of Object.entries(CASES)) {
  await using store = sqliteStore(path)
  await made(store, runIdOf(name), given)
}
vacuum(path)
const params = { [constants.ZSTD_c_compressionLevel]: 19 }
const packed = zstdCompressSync(readFileSync(path), { params })
const file = join(import.meta.dirname, `${FORMAT}.db.zst`)
writeFileSync(file, packed)
rmSync(dir, { recursive: true })
console.log(`${file}: ${packed.length} bytes`)

function vacuum(file: string): void {
  using db = new DatabaseSync(file)
  db.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE)')
}

async function made(store: Store, runId: string, given: Case): Promise<void> {
  const { script, stepTimeout, until } = given
  const agent = new PersistentCodeAgent({
    name: 'states',
    store,
    tools,
    model: scriptedModel(script),
    ...(stepTimeout === undefined ? {} : { limits: { stepTimeout } }),
  })
  // A snapshot after every delivery: so there are links.
  const definition = { ...agent.definition(), isWorthSnapshot: () => true }
  await createRun(store, definition, { task: 'Rest', runId })
  const kept = until === undefined ? store : withoutCheckpoints(store, until)
  const { status } = await new Run({ store: kept, definition, runId, why: 'start' }).result()
  if (status !== 'paused') throw new Error(`The run ${runId} rests as ${status}`)
}

/** The store as it would be if no checkpoint had been reached any more, once an entry of this kind was written. */
function withoutCheckpoints(store: Store, kind: NonNullable<Case['until']>): Store {
  let isOver = false
  return {
    ...store,
    append: async (lease, { checkpoint, ...write }) => {
      isOver ||= write.entries.some((entry) => entry.kind === kind)
      await store.append(lease, { ...write, ...(isOver || checkpoint === undefined ? {} : { checkpoint }) })
    },
  }
}
