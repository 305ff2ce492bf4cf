/** Without the optional peer everything but starting a server works, and that says what to install. */
import { expect, test, vi } from 'vitest'
import { UsageError } from '../../src/index.ts'
import { mcpServer } from '../../src/mcp.ts'
import { failure, MEANS } from './fixtures/world.ts'

vi.mock('@modelcontextprotocol/client', () => {
  throw new Error('Cannot find package')
})

test('a server that cannot be started for want of the package', async () => {
  const source = mcpServer({ name: 'srv', command: 'x' })
  const error = await failure(source.open({}, MEANS))
  expect(error).toBeInstanceOf(UsageError)
  expect(error).toMatchObject({
    message: 'MCP servers need the package @modelcontextprotocol/client.',
    hint: 'npm install @modelcontextprotocol/client',
  })
})
