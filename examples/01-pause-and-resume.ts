/**
 * A tool pauses the agent; a second process goes on in the same line and in the same trace; a tool stops a run.
 *
 *   node examples/01-pause-and-resume.ts [--model anthropic/claude-sonnet-5]
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { context, ROOT_CONTEXT, trace, TraceFlags } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
// In a project of your own: 'persistent-code-agent' and 'persistent-code-agent/testing'. This checkout runs from source.
import { AgentPausedException, AgentStoppedException, PersistentCodeAgent, tool } from '../src/index.ts'
import { scriptedModel } from '../src/testing.ts'

const pauseAgent = tool({
  name: 'pauseAgent',
  description: 'Pauses the agent execution for later resumption',
  execute: async () => {
    // The active context is stored anyway; to give one is optional.
    throw new AgentPausedException('Paused by a tool', { otelContext: context.active() })
  },
})

const stopAgent = tool({
  name: 'stopAgent',
  description: 'Stops the agent execution',
  execute: async () => {
    throw new AgentStoppedException('Stopped by a tool')
  },
})

const { values, positionals } = parseArgs({ options: { model: { type: 'string' } }, allowPositionals: true })
const model =
  values.model ??
  scriptedModel([
    `let count = 0
for (const word of ['before', 'after']) {
  print(++count, word)
  if (word === 'before') await pauseAgent()
}`,
    'finalAnswer({ count })',
  ])
const tools = [pauseAgent, stopAgent]

const [part, path = join(mkdtempSync(join(tmpdir(), 'pca-')), 'agent_state.db')] = positionals
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
if (part === undefined) await firstProcess()
else await secondProcess()

async function firstProcess(): Promise<void> {
  await using agent = new PersistentCodeAgent({ tools, model, storagePath: path })
  // What a web server does for each request: the caller's trace is the active one.
  const caller = {
    traceId: 'c0ffee'.padEnd(32, '1'),
    spanId: 'beef'.padEnd(16, '2'),
    traceFlags: TraceFlags.SAMPLED,
  }
  const active = trace.setSpanContext(ROOT_CONTEXT, caller)
  const result = await context.with(active, () =>
    agent.run(`In one program: print 'before', call pauseAgent, then print 'after'. Answer { count: 2 }`),
  )
  console.log(`process 1: ${result.status}: ${result.status === 'paused' ? result.message : ''}`)
  console.log(`process 1: trace ${caller.traceId}`)
  await agent.close()

  const { status } = spawnSync(
    process.execPath,
    [import.meta.filename, 'second', path, ...process.argv.slice(2)],
    { stdio: 'inherit' },
  )
  rmSync(join(path, '..'), { recursive: true })
  process.exitCode = status ?? 1
}

async function secondProcess(): Promise<void> {
  await using agent = await PersistentCodeAgent.resumeExecution(path, {
    tools,
    model,
    // Gets what was stored, before anything runs. What it returns is the context that the run goes on under.
    otelContextHandler: ({ traceparent }) => {
      const [, traceId = '', spanId = ''] = traceparent.split('-')
      console.log(`process 2: trace ${traceId}`)
      return trace.setSpanContext(ROOT_CONTEXT, {
        traceId,
        spanId,
        traceFlags: TraceFlags.SAMPLED,
        isRemote: true,
      })
    },
  })
  const result = await agent.run(agent.task, { reset: false })
  console.log(`process 2: ${result.status}, resumed from ${result.resumedFrom}`)
  if (result.status === 'completed') console.log('process 2: output', result.output)
  for (const step of agent.memory.steps)
    if (step.kind === 'action' && step.output !== '')
      console.log(`printed in step ${step.number}:\n${step.output}`)

  await using stopper = new PersistentCodeAgent({
    tools,
    model: values.model ?? scriptedModel(['await stopAgent()']),
    storagePath: path,
  })
  const stopped = await stopper.run('Call stopAgent')
  console.log(`another run: ${stopped.status}: ${stopped.status === 'stopped' ? stopped.message : ''}`)
}
