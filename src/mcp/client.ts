/** The only door to `@modelcontextprotocol/client`, an optional peer: it is loaded when the first server is connected. */
import type * as client from '@modelcontextprotocol/client'
import { UsageError } from '../base/errors.ts'

export type Sdk = typeof client
export type {
  CallToolResult,
  Client,
  InputRequiredResult,
  JSONRPCMessage,
  Tool,
  Transport,
} from '@modelcontextprotocol/client'

let loaded: Sdk | undefined

/** @throws {UsageError} it is not installed. */
export async function loadSdk(): Promise<Sdk> {
  try {
    return (loaded ??= await import('@modelcontextprotocol/client'))
  } catch (cause) {
    throw new UsageError('MCP servers need the package @modelcontextprotocol/client.', {
      cause,
      hint: 'npm install @modelcontextprotocol/client',
    })
  }
}
