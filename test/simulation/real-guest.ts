/**
 * The real sandbox in the simulated world: QuickJS on its threads. How long it takes there is of no account: what it was
 * asked is a task of the world, which waits for it, so that the trace stays the seed's (W1).
 */
import { threadGuests, type Guests } from '../../src/sandbox/guests.ts'
import type { Sandbox } from '../../src/sandbox/sandbox.ts'
import type { Process, World } from './world.ts'

export function realGuests(world: World): (process: Process) => Guests {
  return (process) => {
    /** Done when the world says so, and before anything else happens. */
    const asked = <Reply>(what: string, work: () => Promise<Reply>): Promise<Reply> =>
      new Promise((resolve) => {
        const run = async (): Promise<void> => {
          const reply = work()
          await Promise.allSettled([reply])
          resolve(reply)
        }
        world.after(0, `${process.name} guest ${what}`, run, process)
      })
    return {
      open: (links) => asked('is unpacked', async () => threadGuests.open(links)),
      create: (limits) => {
        const sandbox = threadGuests.create(limits)
        process.atDeath.push(() => void sandbox[Symbol.asyncDispose]())
        return inWorld(sandbox, asked)
      },
    }
  }
}

function inWorld(
  sandbox: Sandbox,
  asked: <Reply>(what: string, work: () => Promise<Reply>) => Promise<Reply>,
): Sandbox {
  return {
    open: (opening, tools) => asked('opens', async () => sandbox.open(opening, tools)),
    run: (step, program, moment) => asked('runs', async () => sandbox.run(step, program, moment)),
    settle: (call, outcome, moment) => asked('hears', async () => sandbox.settle(call, outcome, moment)),
    grant: (tools) => asked('is granted', async () => sandbox.grant(tools)),
    interrupt: (moment) => asked('is interrupted', async () => sandbox.interrupt(moment)),
    mark: (position) => asked('is marked', async () => sandbox.mark(position)),
    back: () => asked('goes back', async () => sandbox.back()),
    snapshot: async (position, marked) => {
      const { packed } = await asked('is snapshotted', async () => sandbox.snapshot(position, marked))
      return { packed: asked('is packed', async () => packed) }
    },
    [Symbol.asyncDispose]: async () => sandbox[Symbol.asyncDispose](),
  }
}
