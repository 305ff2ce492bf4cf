/**
 * What a tool of a server gives, as a value for the code: `structuredContent`, else its text, else its parts.
 *
 *   { type: 'text', text } · { type: 'image' | 'audio', data, mediaType } · { type: 'resource', uri, text | data, mediaType? }
 *   · { type: 'link', uri, name, mediaType?, description? }     where `data` is bytes
 */
import { ToolError } from '../base/errors.ts'
import type { CallToolResult } from './client.ts'

type Block = CallToolResult['content'][number]

/** What an error of a tool says to the code, at most. */
const LONGEST_ERROR = 20_000

/** @throws {ToolError} the tool says that it failed. */
export function valueOf(result: CallToolResult, tool: string): unknown {
  const { content, structuredContent, isError } = result
  if (isError === true) {
    const text = content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n')
    throw new ToolError(
      text.trim() === '' ? `${tool} failed, and does not say why.` : text.slice(0, LONGEST_ERROR),
    )
  }
  if (structuredContent !== undefined) return structuredContent
  const [only, second] = content
  if (only === undefined) return undefined
  if (second === undefined && only.type === 'text') return only.text
  return content.map(partOf)
}

function partOf(block: Block): unknown {
  switch (block.type) {
    case 'text':
      return { type: 'text', text: block.text }
    case 'image':
    case 'audio':
      return { type: block.type, data: bytesOf(block.data), mediaType: block.mimeType }
    case 'resource': {
      const { resource } = block
      const body = 'blob' in resource ? { data: bytesOf(resource.blob) } : { text: resource.text }
      return { type: 'resource', uri: resource.uri, ...body, ...typed(resource.mimeType) }
    }
    case 'resource_link': {
      const { uri, name, description, mimeType } = block
      return {
        type: 'link',
        uri,
        name,
        ...(description === undefined ? {} : { description }),
        ...typed(mimeType),
      }
    }
    default:
      return block satisfies never
  }
}

function typed(mimeType: string | undefined): { readonly mediaType?: string } {
  return mimeType === undefined ? {} : { mediaType: mimeType }
}

function bytesOf(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, 'base64'))
}
