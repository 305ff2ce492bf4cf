/** The agent of the simulation: its tools leave their effects in the ledger, its model reads from the scenario. */
import { define } from '../../src/agent/options.ts'
import type { Definition } from '../../src/agent/definition.ts'
import { AgentPausedException } from '../../src/base/interruption.ts'
import type { LanguageModelV4 } from '../../src/model/ask.ts'
import { scriptedModel, type ScriptedAnswer, type ScriptedCall } from '../../src/model/scripted.ts'
import { tool, type Effect as Class, type ToolCallOptions } from '../../src/tool/tool.ts'
import type { Journals } from './journal.ts'
import type { Effect, Ledger } from './ledger.ts'
import { HELPER, sourceOf, TOOLS, type Program, type ToolName } from './program.ts'
import type { Scenario } from './scenario.ts'
import type { Wire } from './wire.ts'
import type { Process, World } from './world.ts'

export interface Surroundings {
  readonly world: World
  readonly scenario: Scenario
  readonly wire: Wire
  readonly journals: Journals
  readonly ledger: Ledger
}

const CLASSES: Readonly<Record<ToolName, Class>> = {
  read: 'read',
  idempotent: 'idempotent',
  keyed: 'keyed',
  once: 'once',
  probed: 'once',
  approved: 'once',
  judged: 'once',
  pausing: 'once',
}

/** The agent in the hand of one process, with the agent that it calls. */
export function agentIn(around: Surroundings): (process: Process) => Definition {
  const { scenario } = around
  const { maxSteps, onLimit, onUnknownOutcome } = scenario
  const tools = TOOLS.map((name) => toolOf(name, around))
  const options = { tools, maxSteps, onLimit, onUnknownOutcome, pauseGrace: 2_000 }
  const reads = reader(
    (prompt) => scenario.scripts[Number(/run-(\d)/.exec(JSON.stringify(prompt))?.[1] ?? '0')],
  )
  const helps = reader(() => scenario.helper)
  const helper = define({ ...options, name: HELPER, description: 'Helps.', model: helps }, undefined)
  const agent = define({ ...options, model: reads, managedAgents: [{ definition: () => helper }] }, undefined)
  return (process) => {
    const managed = new Map([
      [HELPER, { ...helper, context: process, model: travelling(helps, process, around) }],
    ])
    return { ...agent, context: process, managed, model: travelling(reads, process, around) }
  }
}

/** A model that says what the scenario wrote for it. */
function reader(scriptOf: (prompt: unknown) => readonly Program[] | undefined): LanguageModelV4 {
  const reply = ({ prompt, replies, canRun }: ScriptedCall): ScriptedAnswer => {
    const program = scriptOf(prompt)?.[replies]
    return program === undefined || !canRun ? { text: 'Done.' } : sourceOf(program)
  }
  return scriptedModel(Array.from({ length: 40 }, () => reply))
}

function travelling(
  model: LanguageModelV4,
  process: Process,
  { wire, scenario, world }: Surroundings,
): LanguageModelV4 {
  return {
    ...model,
    doStream: undefined as never,
    doGenerate: (options) =>
      wire.operate({
        what: 'model',
        process,
        there: 0,
        back: scenario.work,
        apply: async () => model.doGenerate(options),
        died: () => world.reached('C2: killed while the model thought'),
      }),
  }
}

function toolOf(name: ToolName, around: Surroundings) {
  const { world, wire, ledger, scenario } = around
  const travel = <Reply>(what: string, process: Process, apply: () => Reply): Promise<Reply> =>
    wire.operate({
      what,
      process,
      there: 0,
      back: scenario.work,
      apply,
      died: (applied) =>
        world.reached(
          applied
            ? `C3: killed after the effect (${CLASSES[name]})`
            : `C2: killed in mid-call (${CLASSES[name]})`,
        ),
    })
  return tool<unknown, unknown, Process>({
    name,
    description: `Leaves its effect in the ledger (${name}).`,
    inputSchema: { type: 'object' },
    effect: CLASSES[name],
    ...(name === 'approved' ? { needsApproval: true } : {}),
    ...(name === 'judged'
      ? {
          needsApproval: (input: unknown) => ({
            required: JSON.stringify(input).length % 2 === 0,
            expiresIn: 3_000,
          }),
        }
      : {}),
    ...(name === 'probed'
      ? {
          probe: (_input: unknown, { context: process, runId, toolCallId }: ToolCallOptions<Process>) =>
            travel('probe', process, () => {
              const [effect] = ledger.of(runId, toolCallId, name)
              world.reached(effect === undefined ? 'probe: it had not happened' : 'probe: it had happened')
              return effect === undefined
                ? { happened: false as const }
                : { happened: true as const, result: effect.value }
            }),
        }
      : {}),
    execute: async (input, call) => {
      judgeDispatch(name, call, around)
      const { context: process, runId: run, toolCallId, idempotencyKey: key, attempt } = call
      const effect = await travel(name, process, () => {
        const added = ledger.add({
          run,
          call: toolCallId,
          tool: name,
          key,
          attempt,
          asked: `${name} ${JSON.stringify(input)}`,
        })
        judgeEffect(added, around)
        return added
      })
      if (name === 'pausing' && attempt === 1) throw new AgentPausedException('The tool pauses the run')
      return effect.value
    },
  })
}

/** D3: the intent is durable when the call is sent. */
function judgeDispatch(
  name: ToolName,
  call: ToolCallOptions<Process>,
  { world, journals }: Surroundings,
): void {
  const { runId, toolCallId, attempt, context } = call
  if (!context.isAlive || (CLASSES[name] !== 'once' && CLASSES[name] !== 'keyed')) return
  const intended = journals
    .of(runId)
    .entries.some(
      (entry) => entry.kind === 'call-started' && entry.call === toolCallId && entry.attempt === attempt,
    )
  if (!intended)
    world.violation(`${name} (call ${toolCallId} of ${runId}, attempt ${attempt}) is sent without its intent`)
}

/** P4. The people of the simulation look before they say "send it again", so nothing excuses a second effect. */
function judgeEffect({ tool: name, run, call, key, asked }: Effect, { world, ledger }: Surroundings): void {
  const effects = ledger.of(run, call, name)
  if (CLASSES[name] === 'once' && effects.length > 1)
    world.violation(`${name} (call ${call} of ${run}) happened ${effects.length} times`)
  if (CLASSES[name] === 'keyed' && effects.some((other) => other.key !== key))
    world.violation(`${name} (call ${call} of ${run}) was sent under two keys`)
  if (ledger.effects.some((other) => other.key === key && other.asked !== asked))
    world.violation(`The key of call ${call} of ${run} was another call's before`)
}
