import type { IncidentKind } from '../../incidents/kind.ts'
import type { PipelineState } from './queries.ts'

/** What a badge says: the worst of what is wrong, else `running`, `ok`, `new` (no run yet) or `inactive`. */
export interface BadgeState {
  word: string
  isWrong: boolean
}

/** `kinds` is the list of all kinds of incidents, worst first. */
export const stateOf = ({ active, kinds, is_running, has_run }: PipelineState, known: readonly IncidentKind[]): BadgeState => {
  const worst = known.find(({ kind, badge }) => badge !== undefined && kinds.includes(kind))?.badge?.word
  if (!active) return { word: 'inactive', isWrong: false }
  if (worst !== undefined) return { word: worst, isWrong: true }
  return { word: is_running ? 'running' : has_run ? 'ok' : 'new', isWrong: false }
}

const COLOURS: Record<string, string> = { running: '#1f6feb', new: '#6e7681', inactive: '#6e7681', ok: '#2a7d3f' }
const WRONG = '#c62828'
/** An average letter of the font, in pixels: the badge names its font's width itself (`textLength`). */
const LETTER = 6.6
const MARGIN = 8
const MAX_LETTERS = 60

const escaped = (text: string): string => text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`)

/** The badge as an SVG image: the name of the pipeline, and its state. */
export const drawBadge = (name: string, { word, isWrong }: BadgeState): string => {
  const letters = [...name]
  const shown = letters.length > MAX_LETTERS ? `${letters.slice(0, MAX_LETTERS - 1).join('')}…` : name
  const [left, right] = [shown, word].map((text) => Math.round([...text].length * LETTER) + 2 * MARGIN) as [number, number]
  const text = (at: number, width: number, words: string) =>
    `<text x="${at + width / 2}" y="14" textLength="${width - 2 * MARGIN}">${escaped(words)}</text>`
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + right}" height="20" role="img" aria-label="${escaped(`${shown}: ${word}`)}">
<title>${escaped(`${name}: ${word}`)}</title>
<clipPath id="r"><rect width="${left + right}" height="20" rx="3"/></clipPath>
<g clip-path="url(#r)"><rect width="${left}" height="20" fill="#3b4048"/><rect x="${left}" width="${right}" height="20" fill="${isWrong ? WRONG : COLOURS[word]}"/></g>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">${text(0, left, shown)}${text(left, right, word)}</g>
</svg>
`
}

/** The badge as JSON: our words, and those of healthchecks, whose readers know `status`, `total`, `grace` and `down`. */
export const describeBadge = (name: string, { word, isWrong }: BadgeState) => ({
  pipeline: name,
  state: word,
  status: isWrong ? 'down' : word === 'new' ? 'new' : 'up',
  total: 1,
  grace: 0,
  down: isWrong ? 1 : 0,
})
