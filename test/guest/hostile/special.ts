/** Attacks that are no code of one step (H21–H23, H41, H42): on what is stored, on who reads, on time and chance. */
import { createHash } from 'node:crypto'
import { zstdCompressSync } from 'node:zlib'
import { memoryStore, PersistentCodeAgent, tool } from '../../../src/index.ts'
import { engineDigest } from '../../../src/sandbox/parts.ts'
import type { Link } from '../../../src/sandbox/sandbox.ts'
import { openHeap } from '../../../src/sandbox/snapshot.ts'
import { scriptedModel } from '../../../src/testing.ts'
import { CLOCK, session, type Session } from '../../sandbox/session.ts'
import { must } from '../../e2e/fixtures/bench.ts'
import { findings, keeping } from './scan.ts'
import { attacked, type Seen } from './victim.ts'

export interface Special {
  readonly id: string
  readonly about: string
  /** `holds`: the promise was kept. */
  readonly run: () => Promise<Pick<Seen, 'saw' | 'goesOn'> & { readonly holds: boolean }>
}

const SECRET = 'sk-live-Zm9v/+"42"-secret'

/** How often the secret of a tool's context is found in what was stored; `leaks`: the tool gives it to the code. */
export async function secretsStored(leaks: boolean): Promise<number> {
  const { store, kept } = keeping(memoryStore())
  const pay = tool({
    name: 'pay',
    description: 'Pays',
    execute: (_input, { context }) => {
      const { secret } = context as { readonly secret: string }
      if (secret !== SECRET) throw new Error('There is no secret')
      return leaks ? secret : secret.length
    },
  })
  const script = ['let got = await pay({})\ngot = null\nawait sleep(1)', 'finalAnswer("paid")']
  await using agent = new PersistentCodeAgent({ model: scriptedModel(script), store, tools: [pay] })
  await agent.run('Pay', { context: { secret: SECRET } })
  return await findings(kept, SECRET)
}

async function stored(work: (links: readonly Link[], guest: Session) => Promise<Answer>): Promise<Answer> {
  await using guest = await session({}, {})
  await guest.step('const kept = { n: 41 }')
  const { packed } = await guest.sandbox.snapshot(1, false)
  return await work((await packed).links, guest)
}

type Answer = Awaited<ReturnType<Special['run']>>

/** Whether the heap that was stored goes on. */
async function goesOn(guest: Session, links: readonly Link[]): Promise<boolean> {
  const heap = must(await openHeap(links, engineDigest()))
  await guest.sandbox.open({ from: 'heap', heap }, [])
  return (await guest.show('++kept.n')) === '42'
}

async function refusals(rows: readonly (readonly Link[])[]): Promise<number> {
  const opened = await Promise.allSettled(rows.map((row) => openHeap(row, engineDigest())))
  return opened.filter((each) => each.status === 'rejected').length
}

const HEAD = 120

async function tampered(): Promise<Answer> {
  return stored(async (links, guest) => {
    const link = must(links[0])
    const places = Array.from({ length: link.payload.length }, (_, at) => at).filter(
      (at) => at < HEAD || at % 101 === 0,
    )
    const rows = places.map((at) => [
      { ...link, payload: link.payload.map((byte, index) => (index === at ? byte ^ (1 << (at % 8)) : byte)) },
    ])
    const cut = [0, 4, HEAD, link.payload.length - 1].map((end) => [
      { ...link, payload: link.payload.subarray(0, end) },
    ])
    const moved = [[{ ...link, position: link.position + 1 }], [link, link]]
    const all = [...rows, ...cut, ...moved]
    const refused = await refusals(all)
    const foreign = await openHeap(links, 'f'.repeat(64))
    return {
      saw: `${refused} of ${all.length} changed heaps refused; of another engine: not taken`,
      goesOn: await goesOn(guest, links),
      holds: refused === all.length && foreign === undefined,
    }
  })
}

async function inflating(): Promise<Answer> {
  return stored(async (links, guest) => {
    const link = must(links[0])
    const bomb = zstdCompressSync(Buffer.alloc(300 * 2 ** 20))
    const rows = [undefined, 10, 2 ** 32 - 1].map((told) => [
      { ...link, payload: forged(link.payload, bomb, told) },
    ])
    const before = process.memoryUsage().arrayBuffers
    const refused = await refusals(rows)
    const grew = process.memoryUsage().arrayBuffers - before
    return {
      saw: `${refused} of ${rows.length} refused: a heap of ${bomb.length} bytes that becomes 300 MB`,
      goesOn: await goesOn(guest, links),
      holds: refused === rows.length && grew < 20 * 2 ** 20,
    }
  })
}

/** The head with another body, and a checksum that holds. `told`: the size that the head tells. */
function forged(payload: Uint8Array, body: Uint8Array, told?: number): Buffer<ArrayBuffer> {
  const bytes = Buffer.concat([payload.subarray(0, HEAD), body])
  if (told !== undefined) bytes.writeUInt32LE(told, 80)
  bytes.writeUInt32LE(body.length, 84)
  const sum = createHash('sha256').update(bytes.subarray(0, 88)).update(bytes.subarray(HEAD)).digest()
  bytes.set(sum, 88)
  return bytes
}

/** What the code prints reaches the model, capped, and nobody else. */
async function printing(): Promise<Answer> {
  const written: string[] = []
  const streams = [process.stdout, process.stderr]
  const writes = streams.map((each) => each.write.bind(each))
  for (const each of streams) {
    each.write = (chunk: string | Uint8Array) => {
      written.push(String(chunk))
      return true
    }
  }
  try {
    const seen = await attacked(
      'console.error("\\n{\\"level\\":\\"fatal\\"}\\u001b[2J"); console.log("y".repeat(1e6)); Promise.reject(new Error("late")); print(1)',
    )
    const mine = written.filter((text) => /fatal|yyyy|late/.test(text))
    return { saw: seen.saw, goesOn: seen.goesOn, holds: mine.length === 0 && seen.saw.length < 4_000 }
  } finally {
    for (const [index, each] of streams.entries()) each.write = must(writes[index])
  }
}

/** The clock is the journal's, the zone is UTC, and two forks of a heap draw different numbers. */
async function timeAndChance(): Promise<Answer> {
  await using guest = await session({}, { echo: () => 0 })
  const begun = await guest.start(`const kept = { n: 41 }; const before = Date.now(); await echo(0)
    const later = Date.now()
    ;[before, later - before, new Date().getTimezoneOffset(), Intl.DateTimeFormat().resolvedOptions().timeZone, Math.random()]`)
  const id = begun.kind === 'waiting' ? (begun.calls[0]?.id ?? '') : ''
  const { packed } = await guest.sandbox.snapshot(1, false)
  const links = (await packed).links
  const shown: string[] = []
  for (const seed of [undefined, undefined, 'fork']) {
    await guest.sandbox.open({ from: 'heap', heap: must(await openHeap(links, engineDigest())) }, ['echo'])
    const moment = { clock: CLOCK + 86_400_000, ...(seed === undefined ? {} : { seed }) }
    const halt = await guest.sandbox.settle(id, { ok: true, value: '[0]' }, moment)
    shown.push(halt.kind === 'ended' && halt.ending.kind === 'value' ? (halt.ending.shown ?? '') : '?')
  }
  const [first = '', again, fork = ''] = shown
  const right =
    first.startsWith(`[ ${CLOCK}, 86400000, 0, 'UTC', `) && fork.startsWith(`[ ${CLOCK}, 86400000`)
  return {
    saw: `${first}; a fork: ${fork}`,
    goesOn: (await guest.show('++kept.n')) === '42',
    holds: right && first === again && first !== fork,
  }
}

export const SPECIALS: readonly Special[] = [
  {
    id: 'H21',
    about: 'a secret in what is stored',
    run: async () => {
      const [found, planted] = [await secretsStored(false), await secretsStored(true)]
      return {
        saw: `found ${found} times; where a tool gives it to the code: ${planted}`,
        goesOn: true,
        holds: found === 0 && planted > 0,
      }
    },
  },
  { id: 'H22', about: 'a changed heap', run: tampered },
  { id: 'H23', about: 'a heap that inflates', run: inflating },
  { id: 'H41', about: 'output that forges logs', run: printing },
  { id: 'H42', about: 'time and chance', run: timeAndChance },
]
