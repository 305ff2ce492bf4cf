/** What the guest says to programs of the corpus, in the real sandbox. */
import { inspect } from 'node:util'
import { decode, encode } from '../../src/base/codec.ts'
import { milliseconds } from '../../src/base/duration.ts'
import type { GuestCall, Halt, Outcome } from '../../src/base/halt.ts'
import { compile } from '../../src/sandbox/compile.ts'
import { engineDigest } from '../../src/sandbox/parts.ts'
import { createSandbox } from '../../src/sandbox/sandbox-thread.ts'
import type { Sandbox } from '../../src/sandbox/sandbox.ts'
import { openHeap } from '../../src/sandbox/snapshot.ts'
import { Agenda, type Answer, BEGIN, toolNames, World } from './tools.ts'

const LIMITS = { stepTimeout: 20_000, memory: 64 * 2 ** 20, callsPerStep: 1_000, outputChars: 100_000 }

export function corpusSandbox(): Sandbox {
  return createSandbox(LIMITS)
}

/**
 * Runs a program to its end: all that it says, as bytes of UTF-8 would have it.
 * @param moves: at every halt the heap goes through bytes into a new engine, and goes on there.
 */
export async function inGuest(sandbox: Sandbox, code: string, moves: boolean): Promise<string> {
  const compiled = compile(1, code)
  if (!compiled.ok) return `! ${compiled.error.name}: ${compiled.error.message}\n`
  await sandbox.open({ from: 'seed', seed: 'corpus', clock: BEGIN }, toolNames)
  const world = new World()
  const agenda = new Agenda<{ readonly id: string; readonly outcome: Outcome }>()
  let clock = BEGIN
  let halt = await sandbox.run(1, compiled.program, { clock })
  while (halt.kind === 'waiting') {
    for (const call of halt.calls) {
      const { after, outcome } = answer(world, call)
      agenda.plan(clock + after, { id: call.id, outcome })
    }
    const event = agenda.next()
    if (event === undefined) return '? The guest waits, and no call is open.\n'
    if (moves) await move(sandbox)
    clock = event.due
    halt = await sandbox.settle(event.what.id, event.what.outcome, { clock })
  }
  // Node's output is bytes: half a surrogate pair has none.
  return said(halt).toWellFormed()
}

function answer(world: World, { name, input }: GuestCall): Answer {
  if (name !== '$sleep') return world.answer(name, input)
  const after = milliseconds(decode(input), 'The duration')
  return { after, outcome: { ok: true, value: encode(undefined) } }
}

/** The heap as bytes, and a new engine that goes on with them. */
async function move(sandbox: Sandbox): Promise<void> {
  const { packed } = await sandbox.snapshot(1, false)
  const heap = await openHeap((await packed).links, engineDigest())
  if (heap === undefined) throw new Error('The heap is of another engine')
  await sandbox.open({ from: 'heap', heap }, toolNames)
}

function said(halt: Halt): string {
  if (halt.kind !== 'ended') return `? ${JSON.stringify(halt)}\n`
  const { output, ending } = halt
  switch (ending.kind) {
    case 'value':
      return output + (ending.shown === undefined ? '' : `${ending.shown}\n`)
    case 'error':
      return `${output}! ${ending.error.name}: ${ending.error.message}\n`
    case 'answer':
      return `${output}= ${inspect(decode(ending.value), { depth: 4 })}\n`
  }
}
