/** Many tools: what they cost in the prompt, and what it costs to find one among them. */
import { encode } from 'gpt-tokenizer/encoding/o200k_base'
import { CodeAgent, tool, type ToolDefinition } from '../src/index.ts'
import { ToolIndex } from '../src/tool/find.ts'
import { toolsOf } from '../src/tool/tools.ts'
import { instantModel } from './model.ts'
import { spreadOf, timed } from './measure.ts'
import type { Settings } from './settings.ts'
import type { Table } from './table.ts'

const NOUNS = 'invoice order customer ticket branch commit build report mail event'.split(' ')
const VERBS = 'create close list find update archive assign export merge approve'.split(' ')

export async function manyToolsTable({ quick, rounds }: Settings): Promise<readonly Table[]> {
  const rows = []
  for (const count of [10, 100, 1_000]) {
    const tools = toolsNamed(count)
    const prompt = await promptOf(tools)
    const known = toolsOf(tools)
    const made: number[] = []
    const searched: number[] = []
    for (let round = 0; round < (quick ? 1 : rounds); round++) {
      const index = new ToolIndex(known)
      made.push((await timed(() => index.search('warm up', 10))).ms)
      const words = VERBS.flatMap((verb) => NOUNS.map((noun) => `${verb} the ${noun} of a project`))
      const { ms } = await timed(() => {
        for (const text of words) index.search(text, 10)
      })
      searched.push((ms * 1_000) / words.length)
    }
    const declared = [...known.values()].map(({ declaration }) => declaration).join('\n')
    rows.push({
      count,
      tokens: encode(prompt).length,
      all: encode(declared).length,
      index: spreadOf(made).median,
      search: spreadOf(searched).median,
      searchMin: spreadOf(searched).min,
    })
  }
  return [
    {
      id: 'many-tools',
      title: 'Many tools: tokens of the system prompt, and us of tools.search',
      columns: [
        { key: 'count', label: 'tools', digits: 0 },
        { key: 'tokens', label: 'prompt tokens', digits: 0 },
        { key: 'all', label: 'all declarations', digits: 0 },
        { key: 'index', label: 'index ms', digits: 1 },
        { key: 'search', label: 'search us', digits: 0 },
        { key: 'searchMin', label: 'min', digits: 0 },
      ],
      rows,
      notes: [
        'prompt tokens: the whole system prompt (o200k). all declarations: what declaring every tool would take.',
        'index: the first search of a process. search: each after it, without the hop into the sandbox.',
      ],
      quoted: [],
    },
  ]
}

function toolsNamed(count: number): readonly ToolDefinition[] {
  return Array.from({ length: count }, (_, at) => {
    const [verb = '', noun = ''] = [VERBS[at % 10], NOUNS[Math.floor(at / 10) % 10]]
    const area = Math.floor(at / 100)
    return tool({
      name: `${verb}_${noun}_${area}`,
      description: `${verb} the ${noun} of project ${area}, and tell what has become of it`,
      effect: 'idempotent',
      inputSchema: {
        type: 'object',
        properties: {
          id: { type: 'string', description: `Which ${noun}` },
          note: { type: 'string' },
          limit: { type: 'integer', minimum: 1, maximum: 100 },
        },
        required: ['id'],
      },
      execute: async () => 'done',
    })
  })
}

/** The system prompt, as a model is sent it. */
async function promptOf(tools: readonly ToolDefinition[]): Promise<string> {
  const model = instantModel(() => 'finalAnswer(0)')
  const asked = model.doStream.bind(model)
  let system = ''
  const agent = new CodeAgent({
    tools,
    model: {
      ...model,
      doStream: async (options: Parameters<typeof asked>[0]) => {
        const [first] = options.prompt
        if (first?.role === 'system') system = first.content
        return asked(options)
      },
    },
  })
  await agent.run('Go')
  await agent.close()
  return system
}
