/**
 * What pictures are drawn with: shapes to SVG text. Two themes by the reader's system; no script, no font, nothing that
 * is loaded from elsewhere.
 */

/** Names of the theme's colours; each is a class for strokes (`ink`), fills (`ink-fill`) and text. */
const THEME = {
  light: {
    paper: '#ffffff',
    ink: '#1f2328',
    soft: '#656d76',
    line: '#d0d7de',
    blue: '#0969da',
    green: '#1a7f37',
    red: '#cf222e',
    gold: '#9a6700',
    wash: '#f6f8fa',
  },
  dark: {
    paper: '#0d1117',
    ink: '#e6edf3',
    soft: '#8d96a0',
    line: '#3d444d',
    blue: '#4493f8',
    green: '#3fb950',
    red: '#f85149',
    gold: '#d29922',
    wash: '#151b23',
  },
}

const MONO = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace'
const SANS = 'system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif'

/** A whole picture. `title` and `about` are for those who do not see it. */
export function picture({ width, height, title, about }, ...shapes) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title about">
<title id="title">${escaped(title)}</title>
<desc id="about">${escaped(about)}</desc>
<style>
text { font: 13px ${SANS} }
.mono { font-family: ${MONO}; font-size: 12.5px }
.small { font-size: 11.5px }
.bold { font-weight: 600 }
.middle { text-anchor: middle }
.end { text-anchor: end }
${rules(THEME.light)}
@media (prefers-color-scheme: dark) {
${rules(THEME.dark)}
}
</style>
<defs>${Object.keys(THEME.light).map(head).join('')}</defs>
<rect class="paper-fill" width="${width}" height="${height}" rx="8"/>
${shapes.flat(Infinity).filter(Boolean).join('\n')}
</svg>
`
}

function rules(colours) {
  return Object.entries(colours)
    .map(([name, colour]) => `.${name} { stroke: ${colour} } .${name}-fill { fill: ${colour} }`)
    .join('\n')
}

function head(colour) {
  return `<marker id="to-${colour}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="${colour}-fill" d="M0 0 L8 4 L0 8 z"/></marker>`
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

export function text(x, y, words, { colour = 'ink', kind = '' } = {}) {
  return `<text class="${colour}-fill ${kind}" x="${x}" y="${y}" xml:space="preserve">${escaped(words)}</text>`
}

export function box(x, y, width, height, { colour = 'line', fill = 'wash', round = 6, dashed = false } = {}) {
  return `<rect class="${colour} ${fill}-fill" x="${x}" y="${y}" width="${width}" height="${height}" rx="${round}"${dashed ? ' stroke-dasharray="4 4"' : ''}/>`
}

/** A box with words in its middle, a line each. */
export function card(x, y, width, height, lines, { kind = '', words = 'ink', ...options } = {}) {
  const first = y + height / 2 - (lines.length - 1) * 8 + 4.5
  return [
    box(x, y, width, height, options),
    lines.map((line, index) =>
      text(x + width / 2, first + index * 16, line, {
        colour: index === 0 ? words : 'soft',
        kind: `middle ${index === 0 ? kind : 'small'}`,
      }),
    ),
  ]
}

/** Through points `[x, y]`, with a head at its end. */
export function arrow(points, { colour = 'soft', dashed = false, plain = false } = {}) {
  const path = points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${x} ${y}`).join(' ')
  return `<path class="${colour}" d="${path}" fill="none" stroke-width="1.5"${dashed ? ' stroke-dasharray="4 4"' : ''}${plain ? '' : ` marker-end="url(#to-${colour})"`}/>`
}

export function dot(x, y, radius, colour) {
  return `<circle class="${colour}-fill" cx="${x}" cy="${y}" r="${radius}"/>`
}
