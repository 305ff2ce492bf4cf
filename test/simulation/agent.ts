/** The agent of the simulation: its tools leave their effects in the ledger, its model reads from the scenario. */
import { define } from '../../src/agent/define.ts'
import type { FinalAnswerCheck } from '../../src/agent/options.ts'
import type { Definition } from '../../src/agent/definition.ts'
import type { StepCallback } from '../../src/agent/callbacks.ts'
import type { Memory, WatchedStep } from '../../src/agent/memory.ts'
import { AgentPausedException } from '../../src/base/interruption.ts'
import type { RunId } from '../../src/journal/entry.ts'
import type { LanguageModelV4 } from '../../src/model/ask.ts'
import { scriptedModel, type ScriptedAnswer, type ScriptedCall } from '../../src/model/scripted.ts'
import type { Approval } from '../../src/tool/approval.ts'
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
  const { maxSteps, onLimit, onUnknownOutcome, plansEvery, codeApproval, callbacks, isChecked, isSigned } =
    scenario
  const tools = TOOLS.map((name) => toolOf(name, around))
  const options = {
    tools,
    maxSteps,
    onLimit,
    onUnknownOutcome,
    pauseGrace: 2_000,
    ...(plansEvery === 0 ? {} : { planningInterval: plansEvery }),
    ...(codeApproval === 'never' ? {} : { codeApproval: codeApproval === 'always' ? true : isAsked }),
    stepCallbacks: { all: callbacks.map((kind, index) => callbackOf(kind, index, around)) },
    finalAnswerChecks: [...(isChecked ? [isNoOddNumber] : []), ...(isSigned ? [isSignedOff(around)] : [])],
  }
  const reads = reader(
    (prompt) => scenario.scripts[Number(/run-(\d)/.exec(JSON.stringify(prompt))?.[1] ?? '0')],
  )
  const helps = reader(() => scenario.helper)
  const helper = define({ ...options, name: HELPER, description: 'Helps.', model: helps }, undefined)
  const agent = define({ ...options, model: reads, managedAgents: [{ definition: () => helper }] }, undefined)
  return (process) => {
    const managed = new Map([
      [HELPER, { ...helper, context: process, agent: process, model: travelling(helps, process, around) }],
    ])
    return { ...agent, context: process, agent: process, managed, model: travelling(reads, process, around) }
  }
}

/** Programs of even length. */
function isAsked(code: string): Approval {
  return { required: code.length % 2 === 0, expiresIn: 3_000 }
}

/** Answers that are odd numbers are refused; the last thing that a model says is none. */
function isNoOddNumber(answer: unknown): boolean {
  return typeof answer !== 'number' || answer % 2 === 0
}

/** A person is asked about each answer; what was decided of one is of no other. */
function isSignedOff({ world }: Surroundings): FinalAnswerCheck {
  return function isSignedOff(answer, { decisions }) {
    const [decision, more] = decisions
    if (more !== undefined) world.violation(`An answer is decided twice: ${JSON.stringify(decisions)}`)
    if (decision !== undefined) return true
    throw new AgentPausedException('A person looks', { question: `Send ${JSON.stringify(answer)}?` })
  }
}

/** A model that says what the scenario wrote for it. */
function reader(scriptOf: (prompt: unknown) => readonly Program[] | undefined): LanguageModelV4 {
  const reply = ({ prompt, canRun }: ScriptedCall): ScriptedAnswer => {
    // Plans are replies too.
    const programs = prompt.filter(
      ({ role, content }) =>
        role === 'assistant' && Array.isArray(content) && content.some(({ type }) => type === 'tool-call'),
    )
    const program = scriptOf(prompt)?.[programs.length]
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

function callbackOf(
  kind: Scenario['callbacks'][number],
  index: number,
  around: Surroundings,
): StepCallback<WatchedStep> {
  const { world, wire, scenario } = around
  return async (step, { agent, memory, attempt }) => {
    const process = agent as Process
    judgeWatched(step, index, memory, process, around)
    const what = `callback ${index} (${kind})`
    await wire.operate({
      what,
      process,
      there: 0,
      back: scenario.work,
      apply: () => world.reached(attempt === 1 ? 'callback: begun' : 'callback: begun again'),
      died: () => world.reached('C3: killed in a callback'),
    })
    if (kind === 'edit' && step.kind === 'action') await memory.edit(step, { output: `edited by ${index}` })
    if (kind === 'pause') throw new AgentPausedException(`${what} pauses`)
    if (kind === 'ask')
      throw new AgentPausedException(`${what} asks`, { question: { message: `${what}: how is it?` } })
  }
}

/** What a callback looks at is durable, and no callback is told twice of what the journal says it has seen. */
function judgeWatched(
  step: WatchedStep,
  index: number,
  memory: Memory,
  process: Process,
  { world, journals, scenario }: Surroundings,
): void {
  const runId = rootIn(memory)
  // A fork's memory is its parent's.
  const isForked = scenario.commands.some((command) => command.kind === 'fork')
  if (!process.isAlive || isForked || runId === undefined || step.kind === 'finalAnswer') return
  const { entries } = journals.of(runId)
  const { kind, number } = step
  const isDurable = entries.some((entry) =>
    kind === 'planning'
      ? entry.kind === 'plan-made'
      : (entry.kind === 'step-ended' || entry.kind === 'step-killed') && entry.step === number,
  )
  if (!isDurable)
    world.violation(`Callback ${index} looks at ${kind} ${number} of ${runId}, which may be lost`)
  const isSeen = entries.some(
    (entry) =>
      entry.kind === 'callbacks-ran' &&
      kind === 'action' &&
      entry.of === undefined &&
      entry.step === number &&
      entry.index === index,
  )
  if (isSeen) world.violation(`Callback ${index} had seen ${kind} ${number} of ${runId}, and sees it again`)
}

/** The run whose memory it is, if its task says so: an agent's that was called says something else. */
function rootIn({ steps: [first] }: Memory): RunId | undefined {
  return first?.kind === 'task' ? /^Do (run-\d)\.$/.exec(first.task)?.[1] : undefined
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
