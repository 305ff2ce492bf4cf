/** Edits of a text: passages that stand in it once, and what takes their place. */
import { ToolError } from '../base/errors.ts'

export interface Edit {
  readonly find: string
  readonly replace: string
}

/** The text with all edits, in their order. @throws {ToolError} a passage does not stand in it exactly once. */
export function edited(text: string, edits: readonly Edit[], name: string): string {
  return edits.reduce((before, { find, replace }, index) => {
    const at = before.indexOf(find)
    const which = edits.length === 1 ? 'The passage' : `Passage ${index + 1}`
    if (at < 0)
      throw new ToolError(
        `${which} to find is not in '${name}', so nothing was changed. Read the file, and copy it exactly.`,
      )
    if (before.indexOf(find, at + 1) >= 0)
      throw new ToolError(
        `${which} to find stands in '${name}' more than once, so nothing was changed. Take more of its lines.`,
      )
    return before.slice(0, at) + replace + before.slice(at + find.length)
  }, text)
}

/** The edits are in the text already: an attempt before this one made them. */
export function isEdited(text: string, edits: readonly Edit[]): boolean {
  return edits.every(
    ({ find, replace }) => text.includes(replace) && (!text.includes(find) || replace.includes(find)),
  )
}

/** The edits for a person, as lines that go (-) and come (+). */
export function shownEdits(edits: readonly Edit[]): string {
  return edits.flatMap(({ find, replace }) => [...linesOf('-', find), ...linesOf('+', replace)]).join('\n')
}

function linesOf(mark: string, text: string): readonly string[] {
  return text === '' ? [] : text.split('\n').map((line) => `${mark} ${line}`)
}
