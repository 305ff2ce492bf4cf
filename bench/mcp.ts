/**
 * A call of a tool of an MCP server: by the bare client, through our connection, and through an agent. The server is the
 * reference one, over stdio, one process for each way.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { memoryStore, PersistentCodeAgent, sqliteStore, type Store } from '../src/index.ts'
import { mcpServer, type ToolSource } from '../src/mcp.ts'
import { toolsOf } from '../src/tool/tools.ts'
import { read, spreadOf, timed } from './measure.ts'
import { instantModel } from './model.ts'
import type { Settings } from './settings.ts'
import type { Table } from './table.ts'

const SERVER = join(
  import.meta.dirname,
  '../node_modules/@modelcontextprotocol/server-everything/dist/index.js',
)
const WARM = 20

/** Of one round: ms to the first tool that can be called, and us per call. */
interface Sample {
  readonly start: number
  readonly wall: number
  readonly cpu: number
}

type Way = (calls: number, atOnce: number, path: string) => Promise<Sample>

const WAYS: readonly { readonly name: string; readonly measure: Way }[] = [
  { name: 'bare client', measure: bare },
  { name: 'our connection', measure: connection },
  { name: 'agent, memory store', measure: async (calls, atOnce) => inAgent(memoryStore(), calls, atOnce) },
  {
    name: 'agent, SQLite',
    measure: async (calls, atOnce, path) => inAgent(sqliteStore(path), calls, atOnce),
  },
]

export async function mcpTable(settings: Settings): Promise<readonly Table[]> {
  const calls = settings.quick ? 40 : 1_000
  const dir = mkdtempSync(join(settings.dir, 'mcp-'))
  try {
    const cases = WAYS.flatMap((way) =>
      [1, 10].map((atOnce) => ({ ...way, atOnce, way: atOnce === 1 ? 'one by one' : `${atOnce} at once` })),
    )
    const samples = cases.map((): Sample[] => [])
    for (let round = 0; round < (settings.quick ? 1 : settings.rounds); round++)
      for (const [index, { measure, atOnce }] of cases.entries())
        samples[index]?.push(await measure(calls, atOnce, join(dir, `${round}-${index}.db`)))
    return [tableOf(cases, samples, calls)]
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

async function bare(calls: number, atOnce: number): Promise<Sample> {
  const client = new Client({ name: 'bench', version: '1' })
  const transport = new StdioClientTransport({ command: process.execPath, args: [SERVER], stderr: 'ignore' })
  try {
    const started = await timed(async () => {
      await client.connect(transport)
      await client.listTools()
    })
    const call = async (n: number): Promise<unknown> =>
      client.callTool({ name: 'get-sum', arguments: { a: n, b: 1 } })
    return { start: started.ms, ...(await each(calls, atOnce, call)) }
  } finally {
    await client.close()
  }
}

async function connection(calls: number, atOnce: number): Promise<Sample> {
  const source = server()
  const holder = {}
  try {
    const started = await timed(async () =>
      toolsOf([...(await source.open(holder, CALL))]).get('srv_get_sum'),
    )
    const tool = started.value
    if (tool === undefined) throw new Error('The server has no such tool')
    const call = async (n: number): Promise<unknown> => {
      await tool.checkInput({ a: n, b: 1 })
      return tool.checkOutput(await tool.execute({ a: n, b: 1 }, CALL))
    }
    return { start: started.ms, ...(await each(calls, atOnce, call)) }
  } finally {
    await source.close(holder)
  }
}

/** From the first call's result to the last one's, as the code sees them; the start: up to the first call's result. */
async function inAgent(store: Store, calls: number, atOnce: number): Promise<Sample> {
  const code = `for (let i = 0; i < ${calls + WARM}; i += ${atOnce})
  await Promise.all(Array.from({ length: ${atOnce} }, (_, j) => srv_get_sum({ a: i + j, b: 1 })))`
  const model = instantModel((n) => (n === 1 ? code : 'finalAnswer(0)'))
  const limits = { callsPerStep: calls + WARM }
  await using agent = new PersistentCodeAgent({ model, tools: [server()], store, limits })
  const began = performance.now()
  let start = 0
  let returned = 0
  let first: ReturnType<typeof read> | undefined
  let last: ReturnType<typeof read> | undefined
  for await (const event of agent.stream('Call')) {
    if (event.type !== 'entry' || event.entry.kind !== 'call-returned') continue
    returned++
    if (returned === 1) start = performance.now() - began
    if (returned === WARM) first = read()
    if (returned === WARM + calls) last = read()
  }
  if (first === undefined || last === undefined) throw new Error(`Only ${returned} calls came back`)
  const per = 1_000 / calls
  return { start, wall: (last.wall - first.wall) * per, cpu: (last.cpu - first.cpu) * per }
}

function server(): ToolSource {
  return mcpServer({ name: 'srv', command: process.execPath, args: [SERVER, 'stdio'] })
}

/** What a call brings, where nobody looks at it. */
const CALL = {
  toolCallId: '1.1',
  idempotencyKey: 'key',
  runId: 'run',
  attempt: 1,
  effect: 'read',
  abortSignal: new AbortController().signal,
  context: undefined,
  ask: async () => undefined,
  secret: async () => '',
  log: () => undefined,
} as const

async function each(
  calls: number,
  atOnce: number,
  call: (n: number) => Promise<unknown>,
): Promise<Omit<Sample, 'start'>> {
  for (let n = 0; n < WARM; n++) await call(n)
  const began = read()
  for (let n = 0; n < calls; n += atOnce)
    await Promise.all(Array.from({ length: atOnce }, async (_, index) => call(n + index)))
  const ended = read()
  const per = 1_000 / calls
  return { wall: (ended.wall - began.wall) * per, cpu: (ended.cpu - began.cpu) * per }
}

function tableOf(
  cases: readonly { readonly name: string; readonly way: string }[],
  samples: readonly (readonly Sample[])[],
  calls: number,
): Table {
  const bareOf = new Map<string, number>()
  const rows = cases.map(({ name, way }, index) => {
    const taken = samples[index] ?? []
    const wall = spreadOf(taken.map((one) => one.wall))
    const cpu = spreadOf(taken.map((one) => one.cpu))
    const base = bareOf.get(way) ?? wall.median
    bareOf.set(way, base)
    return {
      name,
      way,
      start: spreadOf(taken.map((one) => one.start)).median,
      us: wall.median,
      usMin: wall.min,
      cpu: cpu.median,
      cpuMin: cpu.min,
      ratio: wall.median / base,
    }
  })
  return {
    id: 'mcp',
    title: `us per call of a tool of an MCP server: ${calls} calls of get-sum of the reference server, over stdio`,
    columns: [
      { key: 'name', label: 'by' },
      { key: 'way', label: 'calls' },
      { key: 'start', label: 'start ms', digits: 0 },
      { key: 'us', label: 'us', digits: 0 },
      { key: 'usMin', label: 'min', digits: 0 },
      { key: 'cpu', label: 'CPU us', digits: 0 },
      { key: 'cpuMin', label: 'min', digits: 0 },
      { key: 'ratio', label: 'x bare', digits: 2 },
    ],
    rows,
    notes: [
      'start: until the tools are known (agents: until the first result), the start of the server with it.',
      "CPU: of this process, the server's is its own. The bare client neither checks nor records anything.",
    ],
    quoted: [],
  }
}
